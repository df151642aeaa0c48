"""FastAPI: ``/health``, ``/health/GROUP``, ``/ready``, ``/live`` and ``/startup`` as a view of Probity's board.

    app.include_router(probity_check.fastapi.router("http://127.0.0.1:8080", version="1.4.2"))

Options are those of :class:`probity_check.board.Board`, which may be given itself. ``/health`` takes ``?format=``. Requests are
answered from a cache and never hold up the event loop; the host being away makes all but ``/live`` 503 ``unknown``, and leaves
that at 200. The OpenAPI document has what each route answers, 503 included.
"""

from __future__ import annotations

from typing import Any, Literal, Optional

from fastapi import APIRouter, Query, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from .board import HEADERS, PATHS, Board, Format, board_of

__all__ = ["Health", "Probe", "router"]


class Health(BaseModel):
    """What ``/health`` answers in its own shape; the host says more where it tells details."""

    model_config = ConfigDict(extra="allow")

    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    message: Optional[str] = Field(None, description="Why nothing is known, when the host is away.")
    version: Optional[str] = Field(None, description="The service's own.")
    checks: Optional[Any] = Field(None, description="Each check's latest result, where the host tells them.")


class Probe(BaseModel):
    """What a probe answers."""

    model_config = ConfigDict(extra="allow")

    status: Literal["ok", "unhealthy", "starting", "draining", "unsupervised", "unknown"]
    message: Optional[str] = Field(None, description="Why nothing is known, when the host is away.")
    version: Optional[str] = Field(None, description="The service's own.")


_QUESTIONS = {
    "/health": "Every check's state in one answer.",
    "/health/{group}": "The state of one group of checks.",
    "/ready": "Is this service to get traffic?",
    "/live": "Is this process alive? Also true when the host is away.",
    "/startup": "Has this service started?",
}


def router(board: str | Board = "http://127.0.0.1:8080", **options: Any) -> APIRouter:
    """The routes; add ``prefix`` when including them elsewhere than at the root."""
    board = board_of(board, options)
    routes = APIRouter(tags=["health"])
    for path in (*PATHS, "/health/{group}"):
        view = _group(board) if path == "/health/{group}" else _health(board) if path == "/health" else _view(board, path)
        facts: dict[str, Any] = {
            "name": "group" if "{" in path else path.lstrip("/"),
            "summary": _QUESTIONS[path],
            "response_class": JSONResponse,
        }
        routes.add_api_route(path, view, methods=["GET"], responses=_responses(path), **facts)
        # Another operation of the same name would be one too many in the document.
        routes.add_api_route(path, view, methods=["HEAD"], include_in_schema=False, **facts)
    return routes


def _responses(path: str) -> dict[int | str, dict[str, Any]]:
    model = Health if path.startswith("/health") else Probe
    said: dict[int | str, dict[str, Any]] = {
        200: {"model": model, "description": "As it should be, or degraded"},
        503: {"model": model, "description": "Not as it should be, or not known: the host is away"},
    }
    if "{" in path:
        said[404] = {"model": model, "description": "The host has no such group"}
    return said


async def _answer(board: Board, path: str, format: str | None = None) -> Response:
    answer = await board.answer_async(path, format)
    return Response(answer.text(), answer.status, HEADERS, answer.content_type)


def _view(board: Board, path: str) -> Any:
    async def view() -> Response:
        return await _answer(board, path)

    return view


def _health(board: Board) -> Any:
    async def view(format: Optional[Format] = Query(None, description="Another shape.")) -> Response:
        return await _answer(board, "/health", format)

    return view


def _group(board: Board) -> Any:
    async def view(group: str, format: Optional[Format] = Query(None, description="Another shape.")) -> Response:
        return await _answer(board, f"/health/{group}", format)

    return view
