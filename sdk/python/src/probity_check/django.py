"""Django: ``/health``, ``/health/GROUP``, ``/ready``, ``/live`` and ``/startup`` as a view of Probity's board.

    urlpatterns = [path("", include(probity_check.django.urls("http://127.0.0.1:8080", version="1.4.2")))]

Options are those of :class:`probity_check.board.Board`, which may be given itself. ``/health`` takes ``?format=``. Requests are
answered from a cache; the host being away makes all but ``/live`` 503 ``unknown``, and leaves that at 200.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from .board import HEADERS, PATHS, Board, board_of

__all__ = ["urls"]


def urls(board: str | Board = "http://127.0.0.1:8080", **options: Any) -> list[URLPattern]:
    """The routes, for ``include``."""
    board = board_of(board, options)
    routes = [path(each.lstrip("/"), _view(board, each), name=f"probity-{each.lstrip('/')}") for each in PATHS]
    return [*routes, path("health/<str:group>", _view(board, "/health"), name="probity-group")]


def _view(board: Board, each: str) -> Any:
    @require_safe
    def view(request: HttpRequest, group: str | None = None) -> HttpResponse:
        answer = board.answer(each if group is None else f"{each}/{group}", request.GET.get("format"))
        return HttpResponse(answer.text(), answer.content_type, answer.status, headers=HEADERS)

    return view
