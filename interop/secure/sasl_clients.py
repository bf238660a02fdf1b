"""kazoo logs in by SASL: sasl_clients.py OPEN ENFORCED

ENFORCED serves only those who have logged in. One line a check, then "N passed, N failed".
"""

import sys
import traceback
import uuid

from kazoo.client import KazooClient
from kazoo.exceptions import AuthFailedError, ConnectionLoss, NoAuthError
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.security import make_acl

opened, enforced = sys.argv[1:3]
path = "/sasl-kazoo-" + uuid.uuid4().hex
passed = failed = 0


def client(address, user=None, password=None):
    options = None
    if user is not None:
        options = {"mechanism": "DIGEST-MD5", "username": user, "password": password}
    return KazooClient(hosts=address, sasl_options=options)


def check(title):
    def run(body):
        global passed, failed
        try:
            body()
            passed += 1
            print("ok", title)
        except BaseException:
            failed += 1
            print("FAIL", title)
            traceback.print_exc(file=sys.stdout)

    return run


def refused(body, *errors):
    try:
        body()
    except errors:
        return
    raise AssertionError("it was not refused")


@check("a user logs in and owns what he makes")
def _():
    ann, stranger = client(opened, "ann", "secret"), client(opened)
    ann.start()
    stranger.start()
    ann.create(path, b"1", acl=(make_acl("sasl", credential="ann", all=True),))
    refused(lambda: stranger.get(path), NoAuthError)
    assert ann.get(path)[0] == b"1"
    ann.delete(path)
    ann.stop()
    stranger.stop()


for name, user, password in (("a wrong password", "ann", "wrong"), ("an unknown user", "eve", "secret")):

    @check(name + " is refused")
    def _():
        one = client(opened, user, password)
        # Without a chroot its start does not tell; the first request does.
        one.start(timeout=10)
        refused(lambda: one.exists("/"), AuthFailedError)
        one.stop()


@check("enforced: who has logged in is served")
def _():
    ann = client(enforced, "ann", "secret")
    ann.start()
    assert ann.exists("/") is not None
    ann.stop()


@check("enforced: a user who is not known is refused")
def _():
    one = client(enforced, "eve", "secret")
    refused(lambda: one.start(timeout=2) or one.exists("/"), AuthFailedError, ConnectionLoss, KazooTimeoutError)
    one.stop()


print(f"{passed} passed, {failed} failed")
sys.exit(0 if failed == 0 else 1)
