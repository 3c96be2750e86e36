"""The simulator as a scenario meets it: over TLS, with MSAL on one side and the control API on the other.

`STAGE` in the environment says where it is and what it is called. Under Microsoft's name, every connection to
`login.microsoftonline.com` ends up at the simulator, and MSAL cannot tell: name, certificate and addresses are right.
"""

import json
import os
import socket
from urllib.parse import parse_qsl, urlsplit

import msal
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

SETTINGS = json.loads(os.environ["STAGE"])
ADDRESS = (SETTINGS["host"], SETTINGS["port"])
BASE = SETTINGS["base_url"]
HOST = urlsplit(BASE).hostname
#: Whether MSAL is to believe that this is Microsoft.
UNDER_MICROSOFTS_NAME = HOST == "login.microsoftonline.com"
CALLBACK = SETTINGS["callback"]
CLIENT_ID = SETTINGS["client_id"]
SECRET = SETTINGS["client_secret"]
ANA, OLGA, GRACE, DANA = (SETTINGS[name] for name in ("ana", "olga", "grace", "dana"))
CONTOSO = SETTINGS["contoso"]
PATIENCE = 10


class SimulatorConnection(HTTPSConnection):
    """Goes to the simulator, whatever the name; the certificate still has to be that name's."""

    def _new_conn(self):
        return socket.create_connection(ADDRESS, PATIENCE)


class SimulatorPool(HTTPSConnectionPool):
    ConnectionCls = SimulatorConnection


class ToTheSimulator(HTTPAdapter):
    def init_poolmanager(self, *args, **kwargs):
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"https": SimulatorPool}

    def send(self, request, **kwargs):
        host = urlsplit(request.url).hostname
        assert host == HOST, f"MSAL went to {host}"
        return super().send(request, **{**kwargs, "timeout": PATIENCE})


def session():
    """What MSAL talks through: it trusts the simulator's authority and nothing else."""
    made = requests.Session()
    made.verify = SETTINGS["ca_file"]
    made.trust_env = False
    made.mount("https://", ToTheSimulator())
    return made


def application(tenant="contoso.example", credential=SECRET, **more):
    """MSAL's client for the story's application."""
    return msal.ConfidentialClientApplication(
        CLIENT_ID,
        client_credential=credential,
        authority=f"{BASE}/{tenant}",
        http_client=session(),
        # Under a name that Microsoft never heard of, MSAL must not ask Microsoft about it.
        instance_discovery=None if UNDER_MICROSOFTS_NAME else False,
        **more,
    )


_control = requests.Session()
_control.verify = SETTINGS["ca_file"]
_control.trust_env = False


def control(method, path, body=None):
    """A call of the control API, which has to work."""
    url = f"https://localhost:{ADDRESS[1]}/_control/{path}"
    response = _control.request(method, url, json=body, timeout=PATIENCE)
    assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
    return response.json() if response.text else None


def graph(path, token):
    """A call of Microsoft Graph, which the simulator plays at the same place."""
    url = f"https://localhost:{ADDRESS[1]}/v1.0/{path}"
    return _control.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=PATIENCE)


def browse(url, person, answer="accept"):
    """Walks the pages as somebody: where that ends."""
    return control("POST", "browse", {"url": url, "as": person, "answer": answer})


def returned(ending):
    """What comes back to the application, as a web framework would hand it to MSAL."""
    if "form_post" in ending:
        return ending["form_post"]["fields"]
    assert "redirect" in ending, f"no way back: {ending}"
    return dict(parse_qsl(urlsplit(ending["redirect"]).query))


def sign_in(app, person=ANA, scopes=("User.Read", "Mail.Read"), answer="accept", **more):
    """The whole authorization code flow; what MSAL makes of it."""
    flow = app.initiate_auth_code_flow(list(scopes), redirect_uri=CALLBACK, **more)
    ending = browse(flow["auth_uri"], person, answer)
    return app.acquire_token_by_auth_code_flow(flow, returned(ending))


def refresh(app, scopes=("Mail.Read",), **more):
    """A forced refresh of whoever is signed in, with MSAL's own view of what went wrong."""
    (account,) = app.get_accounts()
    return app.acquire_token_silent_with_error(list(scopes), account, force_refresh=True, **more)


def calls(endpoint):
    return control("GET", "calls")[endpoint]
