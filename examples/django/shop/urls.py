"""The shop's routes, and those of Probity's board.

POST /orders                  place an order
GET  /orders/count            how many orders there are; cached for a second
POST /orders/{id}/pay         pay it: asks the payment provider
GET  /report?seconds=N        a slow page: keeps its worker busy
GET  /ping                    the process answers; asks nothing else
"""

import os
import time
import urllib.error
import urllib.request

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import include, path
from django.views.decorators.http import require_GET, require_POST

import probity_check.django

from .models import Order


@require_POST
def place(request: HttpRequest) -> JsonResponse:
    order = Order.objects.create(customer=request.GET.get("customer", "someone"))
    return JsonResponse({"id": order.id}, status=201)


@require_GET
def count(_: HttpRequest) -> JsonResponse:
    return JsonResponse({"orders": cache.get_or_set("orders", Order.objects.count, 1)})


@require_POST
def pay(_: HttpRequest, order: int) -> JsonResponse:
    found = get_object_or_404(Order, id=order)
    try:
        with urllib.request.urlopen(settings.PAYMENTS_URL, timeout=2) as answer:
            answer.read(1024)
    except (urllib.error.URLError, TimeoutError) as error:
        return JsonResponse({"error": f"payment failed: {error}"}, status=502)
    found.paid = True
    found.save(update_fields=["paid"])
    return JsonResponse({"id": order, "paid": True})


@require_GET
def report(request: HttpRequest) -> JsonResponse:
    time.sleep(min(float(request.GET.get("seconds", "1")), 60))
    return JsonResponse({"report": "done"})


@require_GET
def ping(_: HttpRequest) -> JsonResponse:
    return JsonResponse({"pid": os.getpid()})


urlpatterns = [
    path("orders", place),
    path("orders/count", count),
    path("orders/<int:order>/pay", pay),
    path("report", report),
    path("ping", ping),
    path("", include(probity_check.django.urls(settings.PROBITY_URL, version=settings.VERSION))),
]
