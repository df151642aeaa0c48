"""Settings, all of them from the environment: DATABASE_URL, REDIS_URL, PAYMENTS_URL, PROBITY_URL, PROBITY_TOKEN."""

import os
from urllib.parse import unquote, urlsplit

VERSION = "3.1.0"
PROBITY_URL = os.environ.get("PROBITY_URL", "http://127.0.0.1:18090")
PAYMENTS_URL = os.environ.get("PAYMENTS_URL", "")

SECRET_KEY = os.environ.get("SECRET_KEY", "only for this example")
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
INSTALLED_APPS = ["shop"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True

_database = urlsplit(os.environ["DATABASE_URL"])
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database.path.lstrip("/"),
        "USER": unquote(_database.username or ""),
        "PASSWORD": unquote(_database.password or ""),
        "HOST": _database.hostname,
        "PORT": _database.port,
        # Connections are kept, and tried before each request: after a restart of the database they are dead.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 2},
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": os.environ["REDIS_URL"]}}
