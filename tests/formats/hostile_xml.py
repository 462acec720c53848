"""XML nobody should send: what parsers were ever brought down with, shaped as a bank's report. Run as a script it measures the reading.

Nothing here fetches anything: every address is one of this machine's own reading.
"""

import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

MIB: Final = 1024 * 1024
# As large as an upload may be: what is larger is refused before anything reads it.
BYTES_MAX: Final = 16 * MIB
_ISO: Final = "urn:iso:std:iso:20022:tech:xsd:"
_HEAD: Final = f'<Document xmlns="{_ISO}camt.053.001.08"><BkToCstmrStmt>'.encode()
_TAIL: Final = b"</BkToCstmrStmt></Document>"
_ENTRY: Final = b'<Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-12-15</Dt></BookgDt>'


def _doctype(subset: str, text: str = "x") -> bytes:
    return f"<!DOCTYPE Document [{subset}]>".encode() + _HEAD + text.encode() + _TAIL


def _bomb(levels: int, width: int) -> bytes:
    entities = '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * width}">' for i in range(1, levels))
    return _doctype(entities, f"&a{levels - 1};")


def _many(part: bytes, size: int = BYTES_MAX) -> bytes:
    return part * ((size - 1000) // len(part))


def _statement(inside: bytes) -> bytes:
    return _HEAD + b"<Stmt>" + inside + b"</Stmt>" + _TAIL


def _encoded(codec: str) -> bytes:
    return f'<?xml version="1.0" encoding="{codec}"?><!DOCTYPE Document [<!ENTITY a "b">]><Document/>'.encode(codec)


CORPUS: Final[Mapping[str, Callable[[], bytes]]] = {
    "external entity, a file": lambda: _doctype('<!ENTITY x SYSTEM "file:///etc/passwd">', "&x;"),
    "external entity, an address": lambda: _doctype('<!ENTITY x SYSTEM "http://127.0.0.1:9/x">', "&x;"),
    "external document type": lambda: b'<!DOCTYPE Document SYSTEM "http://127.0.0.1:9/x.dtd">' + _HEAD + _TAIL,
    "public document type": lambda: b'<!DOCTYPE Document PUBLIC "-//x" "http://127.0.0.1:9/x.dtd">' + _HEAD + _TAIL,
    "parameter entity": lambda: _doctype('<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;'),
    "parameter entity that sends": lambda: _doctype(
        '<!ENTITY % f SYSTEM "file:///etc/hostname"><!ENTITY % s "<!ENTITY x SYSTEM \'u%f;\'>">%s;'
    ),
    "entity bomb": lambda: _bomb(10, 10),
    "entity bomb, flat and wide": lambda: _bomb(3, 3000),
    "entity that holds itself": lambda: _doctype('<!ENTITY a "&b;"><!ENTITY b "&a;">', "&a;"),
    "one long entity, repeated": lambda: _doctype(f'<!ENTITY a "{"a" * 100_000}">', "&a;" * 50_000),
    "attributes by default": lambda: _doctype('<!ATTLIST Document x CDATA "' + "y" * 100_000 + '">'),
    "a document type of megabytes": lambda: _doctype(_many(b'<!ENTITY a "b">').decode()),
    "a document type after a comment": lambda: b"<!-- a bank --> <!DOCTYPE Document []>" + _HEAD + _TAIL,
    "entity that is not there": lambda: _HEAD + b"&nothing;" + _TAIL,
    "100,000 levels": lambda: _HEAD + b"<a>" * 100_000 + b"</a>" * 100_000 + _TAIL,
    "five million levels, never closed": lambda: _HEAD + _many(b"<a>"),
    "levels that look right": lambda: _HEAD + b"<Stmt><Ntry>" * 100_000,
    "one element four million times": lambda: _HEAD + _many(b"<a/>") + _TAIL,
    "entries without end": lambda: _statement(_many(b"<Ntry/>", 6 * MIB)),
    "details without end": lambda: _statement(_ENTRY + b"<NtryDtls>" + _many(b"<TxDtls/>", 8 * MIB) + b"</NtryDtls></Ntry>"),
    "elements of one entry without end": lambda: _statement(_ENTRY + _many(b"<a></a>", 3 * MIB) + b"</Ntry>"),
    "a million attributes": lambda: _HEAD + b"<a " + b" ".join(b'a%d=""' % i for i in range(1_000_000)) + b"/>" + _TAIL,
    "the same attribute twice": lambda: _HEAD + b'<a x="1" x="2"/>' + _TAIL,
    "half a million namespaces": lambda: _HEAD + b"<a " + b" ".join(b'xmlns:a%d="u"' % i for i in range(500_000)) + b"/>" + _TAIL,
    "an attribute of 16 MiB": lambda: _HEAD + b'<a x="' + _many(b"y") + b'"/>' + _TAIL,
    "a name of 16 MiB": lambda: _HEAD + b"<" + _many(b"y") + b"/>" + _TAIL,
    "a comment of 16 MiB": lambda: _HEAD + b"<!--" + _many(b"y") + b"-->" + _TAIL,
    "an instruction of 16 MiB": lambda: _HEAD + b"<?y " + _many(b"y") + b"?>" + _TAIL,
    "a text of 16 MiB": lambda: _statement(_ENTRY + b"<AddtlNtryInf>" + _many(b"y") + b"</AddtlNtryInf></Ntry>"),
    "CDATA of 16 MiB": lambda: _statement(_ENTRY + b"<AddtlNtryInf><![CDATA[" + _many(b"y") + b"]]></AddtlNtryInf></Ntry>"),
    "character references of 16 MiB": lambda: _statement(_ENTRY + b"<AddtlNtryInf>" + _many(b"&#65;") + b"</AddtlNtryInf></Ntry>"),
    "a tag that never ends": lambda: _HEAD + b"<a " + _many(b" "),
    "blanks before everything": lambda: _many(b" ") + _HEAD + _TAIL,
    "UTF-16": lambda: _encoded("utf-16"),
    "UTF-16 without a mark": lambda: _encoded("utf-16-le"),
    "UTF-32": lambda: _encoded("utf-32"),
    "UTF-7, where a DOCTYPE has another face": lambda: (
        b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE Document+AD4' + _HEAD + _TAIL
    ),
    "EBCDIC": lambda: '<?xml version="1.0" encoding="cp037"?><Document/>'.encode("cp037"),
    "not UTF-8": lambda: _statement(_ENTRY + b"<AddtlNtryInf>\xff\xfe\xfa</AddtlNtryInf></Ntry>"),
    "a control character": lambda: _statement(_ENTRY + b"<AddtlNtryInf>\x01</AddtlNtryInf></Ntry>"),
    "a character reference to nothing": lambda: _statement(_ENTRY + b"<AddtlNtryInf>&#0;</AddtlNtryInf></Ntry>"),
    "two roots": lambda: (_HEAD + _TAIL) * 2,
    "tags that cross": lambda: _HEAD + b"<a><b></a></b>" + _TAIL,
    "cut off": lambda: _statement(_ENTRY)[:-40],
    "nothing": lambda: b"",
    "no XML": lambda: b"\x89PNG\r\n\x1a\n" + b"\x00" * 1000,
    "a zip": lambda: b"PK\x03\x04" + b"\x00" * 1000,
    "another root": lambda: b'<Envelope xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"/>',
    "another message": lambda: _HEAD.replace(b"BkToCstmrStmt", b"BkToCstmrDbtCdtNtfctn") + b"</BkToCstmrDbtCdtNtfctn></Document>",
    "XInclude": lambda: b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>',
    "a stylesheet": lambda: (
        b'<?xml-stylesheet href="file:///etc/passwd"?><xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>'
    ),
}


def measure(path: Path) -> None:
    """Reads a file in a process of its own and prints status, seconds of the processor and growth of the process's memory in KiB."""
    from but_gateway.procedures.reconciliation.reading import read_report  # noqa: PLC0415 - what it needs is not part of the figures
    from but_gateway.web.problems import Problem  # noqa: PLC0415 - as above

    raw = path.read_bytes()
    before, start, status = _peak_kib(), time.process_time(), 200
    try:
        read_report(raw, "application/xml")
    except Problem as problem:
        status = problem.status
    sys.stdout.write(f"{status} {time.process_time() - start:.3f} {_peak_kib() - before}\n")


def _peak_kib() -> int:
    """The most memory this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    measure(Path(sys.argv[1]))
