"""The certificate authorities that the function trusts, read once for all connections.

botocore reads a bundle of 126 authorities, which takes 20 ms of CPU, for every new connection. The
certificates of AWS's endpoints come from six of them. A bundle that the user names, as with
`AWS_CA_BUNDLE`, is used as it is.
"""

from __future__ import annotations

import threading
from pathlib import Path
from ssl import SSLCertVerificationError, SSLContext, SSLSocket
from typing import Any

from botocore.httpsession import create_urllib3_context, get_cert_path

ROOTS = Path(__file__).parent.parent / "models" / "roots.pem"


class OtherAuthorityError(SSLCertVerificationError):
    """No authority of `ROOTS` issued a server's certificate; all of the bundle is trusted now."""


class TrustStore(SSLContext):
    """TLS settings that read each bundle once, and `ROOTS` in the place of botocore's own bundle.

    If a server's certificate comes from another authority of botocore's bundle, this is read after
    all, and the connection has to be made again.
    """

    _lock = threading.Lock()
    _loaded: tuple[Any, ...] = ()
    _only_roots = False

    @classmethod
    def new(cls) -> TrustStore:
        """Return a trust store with botocore's settings."""
        context: SSLContext = create_urllib3_context()
        context.__class__ = cls
        assert isinstance(context, cls)
        return context

    def load_verify_locations(
        self, cafile: Any = None, capath: Any = None, cadata: Any = None
    ) -> None:
        """Trust the authorities of a bundle, as urllib3 asks for it for each connection."""
        bundle = (cafile, capath, cadata)
        with self._lock:
            if bundle in self._loaded:
                return
            if cafile == get_cert_path(True):
                super().load_verify_locations(ROOTS)
                self._only_roots = True
            else:
                super().load_verify_locations(*bundle)
            self._loaded += (bundle,)

    def wrap_socket(self, *args: Any, **kwargs: Any) -> SSLSocket:
        """Begin TLS on a connection.

        :raises OtherAuthorityError: if a new connection may find the certificate trusted
        """
        only_roots = self._only_roots
        try:
            return super().wrap_socket(*args, **kwargs)
        except SSLCertVerificationError as error:
            if not only_roots:
                raise
            with self._lock:
                if self._only_roots:
                    super().load_verify_locations(get_cert_path(True))
                    self._only_roots = False
            raise OtherAuthorityError(*error.args) from None
