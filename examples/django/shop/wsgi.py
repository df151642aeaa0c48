"""What gunicorn serves, with the pulse of each worker."""

import os

from django.core.wsgi import get_wsgi_application

from probity_check.pulse import Pulse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

pulse = Pulse(
    os.environ.get("PROBITY_URL", "http://127.0.0.1:18090"),
    "shop",
    token=os.environ.get("PROBITY_TOKEN"),
    every=float(os.environ.get("PULSE_EVERY", "2")),
)
application = pulse.wsgi(get_wsgi_application())
