"""Flask: ``/health``, ``/health/GROUP``, ``/ready``, ``/live`` and ``/startup`` as a view of Probity's board.

    app.register_blueprint(probity_check.flask.blueprint("http://127.0.0.1:8080", version="1.4.2"))

Options are those of :class:`probity_check.board.Board`, which may be given itself. ``/health`` takes ``?format=``. Requests are
answered from a cache; the host being away makes all but ``/live`` 503 ``unknown``, and leaves that at 200.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from .board import HEADERS, PATHS, Board, board_of

__all__ = ["blueprint"]


def blueprint(board: str | Board = "http://127.0.0.1:8080", *, name: str = "probity", **options: Any) -> Blueprint:
    """The routes; add ``url_prefix`` when registering them elsewhere than at the root."""
    board = board_of(board, options)
    routes = Blueprint(name, __name__)
    for path in PATHS:
        routes.add_url_rule(path, path.lstrip("/"), _view(board, path))
    routes.add_url_rule("/health/<group>", "group", _view(board, "/health"))
    return routes


def _view(board: Board, path: str) -> Any:
    def view(group: str | None = None) -> Response:
        answer = board.answer(path if group is None else f"{path}/{group}", request.args.get("format"))
        return Response(answer.text(), answer.status, HEADERS, content_type=answer.content_type)

    return view
