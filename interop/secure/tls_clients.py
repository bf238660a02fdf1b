"""kazoo by TLS: tls_clients.py ADDRESS IDENTITY TRUST ANN ROOT EXPIRED

The last four are files in PEM; IDENTITY is what ann's certificate makes of her. "N passed, N failed" comes last.
"""

import logging
import sys

from kazoo.client import KazooClient
from kazoo.handlers.threading import KazooTimeoutError
from kazoo.security import ACL, CREATOR_ALL_ACL, Id

logging.disable(logging.CRITICAL)
address, identity, trust, ann_file, root_file, expired_file = sys.argv[1:]
passed = failed = 0


def check(title, ok):
    global passed, failed
    print("ok" if ok else "FAIL", title)
    if ok:
        passed += 1
    else:
        failed += 1


def opened(own, timeout=15):
    client = KazooClient(
        hosts=address, use_ssl=True, ca=trust, certfile=own, keyfile=own, verify_certs=True, timeout=15
    )
    try:
        client.start(timeout)
    except KazooTimeoutError:
        client.stop()
        return None
    return client


ann = opened(ann_file)
check("a client with a certificate connects", ann is not None)
if ann is not None:
    ann.create("/tls-kazoo", b"x", acl=CREATOR_ALL_ACL, ephemeral=True)
    acls, _ = ann.get_acls("/tls-kazoo")
    check("auth stands for its certificate", [acl.id for acl in acls] == [Id("x509", identity)])
    ann.create("/tls-kazoo-2", b"y" * 100000, acl=[ACL(31, Id("x509", identity))], ephemeral=True)
    check("its name is an entry", len(ann.get("/tls-kazoo-2")[0]) == 100000)
    root = opened(root_file)
    check("the superuser may everything", root is not None and root.get("/tls-kazoo")[0] == b"x")
    if root is not None:
        root.stop()
    ann.stop()
check("an expired certificate is refused", opened(expired_file, 2) is None)
print(f"{passed} passed, {failed} failed")
sys.exit(0 if failed == 0 else 1)
