"""FastAPI: ``/health``, ``/ready`` and ``/live`` as a view of Probity's board.

    app.include_router(probity_check.fastapi.router("http://127.0.0.1:8080", version="1.4.2"))

Options are those of :class:`probity_check.board.Board`, which may be given itself. Requests are answered from a cache and never
hold up the event loop; the host being away makes ``/health`` and ``/ready`` 503 ``unknown``, and leaves ``/live`` at 200.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from .board import CONTENT_TYPE, HEADERS, PATHS, Board, board_of

__all__ = ["router"]


def router(board: str | Board = "http://127.0.0.1:8080", **options: Any) -> APIRouter:
    """The routes; add ``prefix`` when including them elsewhere than at the root."""
    board = board_of(board, options)
    routes = APIRouter(tags=["health"])
    for path in PATHS:
        routes.add_api_route(path, _view(board, path), methods=["GET"], name=path.lstrip("/"), response_class=Response)
    return routes


def _view(board: Board, path: str) -> Any:
    async def view() -> Response:
        answer = await board.answer_async(path)
        return Response(answer.text(), answer.status, HEADERS, CONTENT_TYPE)

    return view
