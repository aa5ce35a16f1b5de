"""Programs that display a figure and a table without the libraries for them.

The import of matplotlib and pandas is a second's work in each new sandbox. `test_session` has the
figures and tables of these libraries.
"""

from __future__ import annotations

from typing import Final

# A PNG of 64 by 64 grey pixels, in more bytes than one control sequence of a terminal carries.
SHOW_FIGURE: Final = (
    "import struct, zlib; from IPython.display import Image; "
    "chunk = lambda kind, data: "
    "struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data)); "
    r"display(Image(b'\x89PNG\r\n\x1a\n' "
    "+ chunk(b'IHDR', struct.pack('>2I5B', 64, 64, 8, 0, 0, 0, 0)) "
    "+ chunk(b'IDAT', zlib.compress(bytes(64 * 65), 0)) + chunk(b'IEND', b'')))"
)
# A value that has a text and a table.
TABLE: Final = (
    "type('Table', (), {'__repr__': lambda table: 'a table', "
    "'_repr_html_': lambda table: '<table></table>'})()"
)
