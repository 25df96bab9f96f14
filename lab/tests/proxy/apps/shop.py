"""A Django project in one file, behind a proxy that terminates TLS; runs with gunicorn."""

import json
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import re_path

settings.configure(
    ALLOWED_HOSTS=["shop.example.org"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not a secret",
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    SECURE_SSL_REDIRECT=os.environ.get("SSL_REDIRECT") == "1",
    SECURE_REDIRECT_EXEMPT=["^health$"],
)


def health(request):
    """Checks Host against ALLOWED_HOSTS, as every view of a real site does."""
    request.get_host()
    return HttpResponse("healthy")


def page(request):
    """Responds with the request as Django has received it."""
    received = {"secure": request.is_secure(), "host": request.get_host(), "client": request.META.get("HTTP_X_REAL_IP")}
    return HttpResponse(json.dumps(received), content_type="application/json")


urlpatterns = [re_path("^health$", health), re_path("", page)]
application = get_wsgi_application()
