"""Django: ``/health``, ``/ready`` and ``/live`` as a view of Probity's board.

    urlpatterns = [path("", include(probity_check.django.urls("http://127.0.0.1:8080", version="1.4.2")))]

Options are those of :class:`probity_check.board.Board`, which may be given itself. Requests are answered from a cache; the host
being away makes ``/health`` and ``/ready`` 503 ``unknown``, and leaves ``/live`` at 200.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from .board import CONTENT_TYPE, HEADERS, PATHS, Board, board_of

__all__ = ["urls"]


def urls(board: str | Board = "http://127.0.0.1:8080", **options: Any) -> list[URLPattern]:
    """The routes, for ``include``."""
    board = board_of(board, options)
    return [path(each.lstrip("/"), _view(board, each), name=f"probity-{each.lstrip('/')}") for each in PATHS]


def _view(board: Board, each: str) -> Any:
    @require_safe
    def view(_: HttpRequest) -> HttpResponse:
        answer = board.answer(each)
        return HttpResponse(answer.text(), CONTENT_TYPE, answer.status, headers=HEADERS)

    return view
