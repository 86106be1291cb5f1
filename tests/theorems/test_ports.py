"""What a port says of a site, against what a pass recorded of it."""

import torch
from dense import used_units
from each import each
from tiny import FEW, UNUSUAL, Kind, some_tokens, tiny, uncapped
from torch import Tensor

import loadstore as ls
from loadstore.linear.factored import Factored
from loadstore.model.norms import normalise
from loadstore.model.ports import Reading, banks, points, reading, reading_at, writing
from loadstore.model.wiring import wiring
from loadstore.sites import Writer

SOME = [*FEW, *UNUSUAL[::2]]


def recorded(kind: Kind) -> tuple[ls.Weights, ls.Trace]:
    model = tiny(kind)
    length = min(7, model.architecture.context)
    return model, ls.run(model, some_tokens(model, length=length), record=True)


@each("kind", SOME, str)
def test_the_port_of_a_writer_makes_its_store_of_what_a_pass_recorded_and_all_stores_make_the_stream(
    kind: Kind,
) -> None:
    model, trace = recorded(kind)
    found = torch.zeros_like(trace.residual(0))
    for writer in wiring(model).writers:
        port = writing(model, writer)
        store = port.sent(trace.record.inner([writer])[:, :, 0])
        torch.testing.assert_close(store, trace.store(writer), rtol=1e-12, atol=1e-12)
        found = found if port.bypasses_norm else found + store
        given = port.given(trace.tokens, torch.arange(trace.tokens.shape[1]))
        assert (given is None) == (writer.kind in ("head", "mlp"))
        if given is not None:
            assert torch.equal(given.expand_as(store), store)
    torch.testing.assert_close(found, trace.residual(model.architecture.n_layers), rtol=1e-9, atol=1e-9)


@each("kind", SOME, str)
def test_the_rows_of_its_map_span_all_that_a_writer_stored_as_far_as_weights_alone_decide(kind: Kind) -> None:
    model, trace = recorded(kind)
    for writer in wiring(model).writers:
        port = writing(model, writer)
        matrix = port.map()
        rows = matrix.right if isinstance(matrix, Factored) else matrix
        store = trace.store(writer)
        if writer.kind == "mlp" and model.layers[writer.layer].mlp.b_out is not None:
            store = store - model.layers[writer.layer].mlp.b_out * model.architecture.residual_scale
        inside = store @ torch.linalg.pinv(rows) @ rows
        torch.testing.assert_close(inside, store, rtol=1e-7, atol=1e-8)
        assert torch.linalg.matrix_rank(rows) <= port.rank


def loaded(trace: ls.Trace, port: Reading) -> Tensor:
    """N(x) W + b of all that writers stored for a reader, by ports alone."""
    model = trace.weights
    scale = trace.record.scale(port.scale)
    assert scale is not None
    x, beside = torch.zeros_like(trace.residual(0)), 0.0
    for bank in banks(model, wiring(model).writers_of(port.reader)):
        stores = bank.sent(trace.record.inner(bank.writers)).sum(-2)
        x, beside = (x, beside + stores) if bank.bypasses_norm else (x + stores, beside)
    return (port.through(x, scale) + beside) @ port.matrix + port.const


@each("kind", SOME, str)
def test_the_port_of_a_reader_makes_what_the_pass_used_of_all_that_was_stored_before(kind: Kind) -> None:
    model, trace = recorded(kind)
    for reader in wiring(model).readers:
        port = reading(model, reader)
        found = loaded(trace, port)
        if reader.is_unembed:
            used = uncapped(model, trace.all_logits)
        elif reader.is_mlp:
            mlp, used = model.layers[reader.layer].mlp, trace.record.layers[reader.layer].mlp
            found = used_units(found, model.architecture, mlp) @ writing(model, Writer("mlp", reader.layer)).rows
            found = normalise(found if mlp.b_out is None else found + mlp.b_out, mlp.after, model.architecture.eps)[0]
            found = found * model.architecture.residual_scale
        else:
            layer = trace.record.layers[reader.layer]
            inner = None if port.inner_scale is None else trace.record.scale(port.inner_scale)
            found = port.turn(found, None if inner is None else inner[:, :, reader.index])
            used = {"Q": layer.q, "K": layer.k, "V": layer.v}[reader.side][:, :, reader.index]
        torch.testing.assert_close(found, used, rtol=1e-8, atol=1e-9)


@each("kind", SOME, str)
def test_directions_come_back_through_the_adjoint_of_every_step(kind: Kind) -> None:
    model, trace = recorded(kind)
    generator = torch.Generator().manual_seed(0)
    for reader in wiring(model).readers:
        port = reading(model, reader)
        scale = trace.record.scale(port.scale)
        x, g = torch.randn(2, *trace.residual(0).shape, generator=generator, dtype=torch.float64)
        one, other = (port.through(x, scale) * g).sum(), (x * port.back_through(g, scale)).sum()
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
        inner = None if port.inner_scale is None else trace.record.scale(port.inner_scale)[:, :, reader.index]
        x, g = torch.randn(2, *trace.tokens.shape, port.width, generator=generator, dtype=torch.float64)
        one, other = (port.turn(x, inner, 3) * g).sum(), (x * port.turn_back(g, inner, 3)).sum()
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
        alone = torch.cat([port.turn(x[:, t : t + 1], None, t, at_one=True) for t in range(x.shape[1])], 1)
        torch.testing.assert_close(alone, port.turn(x, None), rtol=1e-9, atol=1e-9)
    for bank in banks(model, wiring(model).writers):
        inner = trace.record.inner(bank.writers)
        g = torch.randn(trace.residual(0).shape, generator=generator, dtype=torch.float64)
        one, other = torch.linalg.vecdot(bank.sent(inner), g[:, :, None]), torch.linalg.vecdot(inner, bank.back(g))
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
        matrix = torch.randn(g.shape[-1], 3, generator=generator, dtype=torch.float64)
        torch.testing.assert_close(bank.through(inner, matrix), bank.sent(inner) @ matrix, rtol=1e-9, atol=1e-9)


@each("kind", SOME, str)
def test_banks_have_every_writer_once_in_order_and_points_every_place_of_a_reader(kind: Kind) -> None:
    model = tiny(kind)
    network = wiring(model)
    together = list(banks(model, network.writers))
    assert tuple(writer for bank in together for writer in bank.writers) == network.writers
    assert {len(bank.writers) for bank in together if bank.out is not None} == {model.architecture.n_heads}
    places = points(model)
    assert places == sorted(places)
    assert set(places) == {reading(model, reader).point for reader in network.readers}
    for place in places:
        port = reading_at(model, place)
        assert port.point == place
        here = [reader for reader in network.readers if reading(model, reader).point == place]
        assert {w for reader in here for w in network.writers_of(reader)} == set(network.writers_of(port.reader))
