"""Drives a coordinator with nothing but what server reflection says: no generated code, no .proto file.

    control.py ADDRESS TOKEN SWEEP_FILE

Lists the services, submits the sweep, asks for its state, follows its events until it has finished, and
shows that a call without the token is refused. Exits 1 with the reason when something is not as documented.
"""

import sys
import uuid

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

DEADLINE_SECONDS = 120


class Token(
    grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamStreamClientInterceptor
):
    """Adds the token to every call, reflection included."""

    def __init__(self, token):
        self._entry = ("authorization", f"Bearer {token}")

    def _with_token(self, details):
        return details._replace(metadata=[*(details.metadata or []), self._entry])

    def intercept_unary_unary(self, continuation, details, request):
        return continuation(self._with_token(details), request)

    def intercept_unary_stream(self, continuation, details, request):
        return continuation(self._with_token(details), request)

    def intercept_stream_stream(self, continuation, details, requests):
        return continuation(self._with_token(details), requests)


class Service:
    """The methods of one service as Python calls, made from its descriptor."""

    def __init__(self, channel, pool, name):
        for method in pool.FindServiceByName(name).methods:
            setattr(self, method.name, self._call(channel, name, method))

    @staticmethod
    def _call(channel, service, method):
        request_class = message_factory.GetMessageClass(method.input_type)
        response_class = message_factory.GetMessageClass(method.output_type)
        make = channel.unary_stream if method.server_streaming else channel.unary_unary
        stub = make(
            f"/{service}/{method.name}",
            request_serializer=request_class.SerializeToString,
            response_deserializer=response_class.FromString,
        )
        return lambda **fields: stub(request_class(**fields), timeout=DEADLINE_SECONDS)


def expect(condition, message):
    if not condition:
        sys.exit(f"control.py: {message}")


def state_name(sweep):
    return sweep.DESCRIPTOR.fields_by_name["state"].enum_type.values_by_number[sweep.state].name


def expect_token_is_needed(address):
    with grpc.insecure_channel(address) as channel:
        try:
            list(ProtoReflectionDescriptorDatabase(channel).get_services())
        except grpc.RpcError as error:
            expect(error.code() == grpc.StatusCode.UNAUTHENTICATED, f"without a token: {error.code()}")
            return
    expect(False, "reflection answered without a token")


def watch(sweeps, sweep, after=0, events_wanted=None):
    """The ids of the events after a cursor, until the sweep has finished or enough have come; and the cursor.

    The stream itself stays open, since a finished sweep can be extended.
    """
    seen = []
    stream = sweeps.Watch(sweep=sweep, after_event=after)
    for response in stream:
        seen += [event.id for event in response.events]
        finished = response.HasField("sweep") and state_name(response.sweep) == "SWEEP_STATE_FINISHED"
        if finished or (events_wanted and len(seen) >= events_wanted):
            stream.cancel()
            return seen, response.cursor
    sys.exit("control.py: the event stream ended before the sweep did")


def main():
    address, token, sweep_file = sys.argv[1:]
    with open(sweep_file, encoding="utf-8") as file:
        source = file.read()
    expect_token_is_needed(address)

    channel = grpc.intercept_channel(grpc.insecure_channel(address), Token(token))
    database = ProtoReflectionDescriptorDatabase(channel)
    services = sorted(database.get_services())
    print("services:", ", ".join(services))
    for name in ("SweepService", "TrialService", "ClusterService", "ArtifactService"):
        expect(f"fusor.v1.{name}" in services, f"{name} is not listed")

    pool = descriptor_pool.DescriptorPool(database)
    sweeps = Service(channel, pool, "fusor.v1.SweepService")
    trials = Service(channel, pool, "fusor.v1.TrialService")

    request_id = str(uuid.uuid4())
    submitted = sweeps.Submit(request_id=request_id, source=source)
    expect(not submitted.problems, f"the sweep was refused: {submitted.problems}")
    again = sweeps.Submit(request_id=request_id, source=source)
    expect(again.sweep == submitted.sweep, "the same request id made a second sweep")
    print(f"submitted sweep {submitted.sweep} with {submitted.trials} trials")

    refused = sweeps.Submit(request_id=str(uuid.uuid4()), source=source + "\nno_such_key: 1\n")
    expect(refused.problems and not refused.sweep, "a sweep with an unknown key was accepted")
    print("a wrong sweep is refused:", refused.problems[0].message)

    first, cursor = watch(sweeps, submitted.sweep, events_wanted=1)
    rest, _ = watch(sweeps, submitted.sweep, after=cursor)
    whole, _ = watch(sweeps, submitted.sweep)
    expect(whole == sorted(set(whole)), f"events came twice or out of order: {whole}")
    expect(first + rest == whole, f"broken off and resumed: {first} + {rest}; in one reading: {whole}")
    print(f"watched {len(whole)} events until the end")

    sweep = sweeps.Get(sweep=submitted.sweep).sweep
    print("state:", state_name(sweep))
    expect(state_name(sweep) == "SWEEP_STATE_FINISHED", "the sweep has not finished")
    listed = trials.List(sweep=submitted.sweep).trials
    expect(len(listed) == submitted.trials, f"{len(listed)} of {submitted.trials} trials are listed")


if __name__ == "__main__":
    main()
