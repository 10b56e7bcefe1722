"""The import itself: batch after batch into the order service, good orders kept, bad ones explained, resumable."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from services.importing.amounts import Unreadable
from services.importing.mapping import Mapping, Options, mapping
from services.importing.reading import Counted, Found, csv_orders, is_csv, json_lines
from shared.kernel.calls import Call
from shared.kernel.principal import Principal
from shared.runtime.app import App

BATCH = 500  # orders of one transaction
AT_ONCE = 2  # transactions: one is made ready while the database works on the other
FINGERPRINT = 64 * 1024  # bytes of the file that tell it from another of the same name


class Stopped(Exception):
    """The service did not take the batch: nothing of it is in; start again when the cause is gone."""


@dataclass(slots=True)
class Progress:
    """How far an import is; kept beside the file after each batch. done: orders of the file, good or bad."""

    fingerprint: str
    done: int = 0
    placed: int = 0
    there: int = 0
    bad: int = 0
    errors_bytes: int = 0


@dataclass(slots=True)
class _Batch:
    """How many orders of the file; those that can be placed, and what is wrong with the others."""

    orders: int
    good: list[tuple[Found, dict[str, Any]]] = field(default_factory=list)
    faults: list[dict[str, Any]] = field(default_factory=list)


class Import:
    """One file into one tenant. `errors` and `state` are files beside it."""

    def __init__(self, app: App, path: Path, format: str, options: Options, batch: int = BATCH) -> None:
        self.app, self.path, self.options, self.batch = app, path, options, batch
        self.format: Mapping = mapping(format)
        self.plain = format == "aftersale" and not is_csv(path)  # each line is what order.place takes
        self.errors = path.with_name(path.name + ".errors.jsonl")
        self.state = path.with_name(path.name + ".import.json")
        self.file = Counted(path)
        self.progress = self._resumed()
        self.who = Principal("integrator", "import", options.tenant, via="import")

    def _resumed(self) -> Progress:
        fresh = Progress(_fingerprint(self.path))
        try:
            known = Progress(**orjson.loads(self.state.read_bytes()))
        except (FileNotFoundError, TypeError, orjson.JSONDecodeError):
            known = fresh
        if known.fingerprint != fresh.fingerprint:
            known = fresh
        self.errors.touch()
        with self.errors.open("r+b") as errors:
            errors.truncate(known.errors_bytes)  # what a stopped run wrote beyond its last batch comes again
        return known

    def run(self) -> Iterator[Progress]:
        """After each batch, how far it is. Raises Stopped."""
        under_way: deque[tuple[_Batch, Future[list[dict[str, Any]]]]] = deque()
        with ThreadPoolExecutor(AT_ONCE) as sending:
            for batch in self._batches():
                under_way.append((batch, sending.submit(self._sent, [order for _, order in batch.good])))
                if len(under_way) == AT_ONCE:
                    yield self._done(*under_way.popleft())
            while under_way:
                yield self._done(*under_way.popleft())
        self.file.close()
        self.state.unlink(missing_ok=True)  # the next import of this file looks at all of it again

    def _batches(self) -> Iterator[_Batch]:
        found = csv_orders(self.file, self.format.order["number"]) if is_csv(self.path) else json_lines(self.file)
        rest = islice(found, self.progress.done, None)
        while some := list(islice(rest, self.batch)):
            batch = _Batch(len(some))
            for each in some:
                try:
                    batch.good.append((each, self._mapped(each)))
                except Unreadable as wrong:
                    batch.faults.append(self._told(each, wrong.row, wrong.field, "UNREADABLE", str(wrong)))
            yield batch

    def _done(self, batch: _Batch, sent: Future[list[dict[str, Any]]]) -> Progress:
        """In the order of the file. Of a later batch that is in although this one is not, all will be there already."""
        self._note(batch, sent.result())
        self.state.write_bytes(orjson.dumps(asdict(self.progress)))
        return self.progress

    def _note(self, batch: _Batch, results: list[dict[str, Any]]) -> None:
        faults = batch.faults
        for (found, _), result in zip(batch.good, results, strict=True):
            if result["result"] == "PLACED":
                self.progress.placed += 1
            elif result["result"] == "ORDER_EXISTS":
                self.progress.there += 1
            else:
                faults += self._explained(found, result)
        self.progress.done += batch.orders
        self.progress.bad += len({fault["line"] for fault in faults})
        with self.errors.open("ab") as errors:
            errors.writelines(orjson.dumps(fault) + b"\n" for fault in sorted(faults, key=lambda fault: fault["line"]))
            self.progress.errors_bytes = errors.tell()

    def _mapped(self, found: Found) -> dict[str, Any]:
        if found.fault:
            raise Unreadable("", found.fault)
        return found.first if self.plain else self.format.mapped(found.first, found.rows, self.options)

    def _sent(self, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Orders, paid or not, in one transaction."""
        if not orders:
            return []
        (answer,) = self.app.execute([Call("order.place_many", {"orders": orders}, self.who)])
        if not answer.ok:
            raise Stopped(answer.body["title"])
        return answer.body["results"]

    def _explained(self, found: Found, result: dict[str, Any]) -> Iterable[dict[str, Any]]:
        named = result.get("details", {}).get("field", "")
        for path, message in result.get("fields", {named: result["message"]}).items():
            yield self._fault(found, path, result["result"], message)

    def _fault(self, found: Found, path: str, code: str, message: str) -> dict[str, Any]:
        """Where it is in the file: the row of the line item, where the field is of one; the file's own name of it."""
        names = path.split(".")
        row = int(names[1]) if names[0] == "lines" and len(names) > 1 and names[1].isdigit() else 0
        return self._told(found, row, path if self.plain else self.format.source_of(path), code, message)

    def _told(self, found: Found, row: int, named: str, code: str, message: str) -> dict[str, Any]:
        number = None if found.fault else self.format.key(found.first)
        line = found.lines[row] if row < len(found.lines) else found.lines[0]
        return {"line": line, "number": number, "field": named, "code": code, "message": message}


def _fingerprint(path: Path) -> str:
    with path.open("rb") as file:
        beginning = hashlib.sha256(file.read(FINGERPRINT)).hexdigest()
    about = path.stat()
    return f"{about.st_size}:{about.st_mtime_ns}:{beginning}"
