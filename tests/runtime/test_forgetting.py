"""Rows of which no event is told may be forgotten: in a batch the later wish counts, on both databases."""

from __future__ import annotations

from shared.runtime.unit_of_work import Context, UnitOfWork, unit_of_work
from tests.runtime import toys
from tests.runtime.backends import WHO, Backend


def test_what_is_forgotten_is_gone_and_what_is_saved_after_it_in_the_same_batch_stays(backend: Backend) -> None:
    app, ids = backend.counter, [backend.opened() for _ in range(2)]

    def step(work: UnitOfWork, *forgotten: str, saved: str | None = None) -> None:
        ctx = Context(work, WHO, "here")
        for id in forgotten:
            ctx.forget(ctx.need(toys.Counter, id))
        if saved is not None:
            assert ctx.get(toys.Counter, saved) is None
            ctx.save(toys.Counter(id=saved, tenant=WHO.tenant, value=7))
        work.merge(ctx.step)

    with unit_of_work(app.storage, app.database, backend.clock.now()) as work:
        step(work, *ids)
        step(work, saved=ids[1])
    with unit_of_work(app.storage, app.database, backend.clock.now()) as work:
        found = [Context(work, WHO, "here").get(toys.Counter, id) for id in ids]
    assert [each and each.value for each in found] == [None, 7]
