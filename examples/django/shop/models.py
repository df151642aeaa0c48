"""What the shop keeps."""

from django.db import models


class Order(models.Model):
    """An order of a customer."""

    customer = models.CharField(max_length=64)
    paid = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
