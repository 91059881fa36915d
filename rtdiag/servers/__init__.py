"""Whose server it is that answers, how that is known, and what is known of it."""

from rtdiag.servers.base_urls import base_url_meant as base_url_meant
from rtdiag.servers.known import UNKNOWN as UNKNOWN
from rtdiag.servers.known import Door as Door
from rtdiag.servers.known import Server as Server
from rtdiag.servers.known import every as every
from rtdiag.servers.known import issuer_elsewhere as issuer_elsewhere
from rtdiag.servers.known import known_as as known_as
from rtdiag.servers.known import named as named
from rtdiag.servers.known import of_url as of_url
from rtdiag.servers.recognition import Recognised as Recognised
from rtdiag.servers.recognition import recognise as recognise
