%% The same as `src/kernel.rs`, as one writes it in Erlang. Prints seconds, and bytes of resident memory
%% that were added.
-module(world).
-export([main/1]).

main([What | Sizes]) ->
    {Seconds, Bytes} = run(list_to_atom(What), [list_to_integer(Size) || Size <- Sizes]),
    io:format("~.9f ~w~n", [Seconds, Bytes]),
    halt(0).

run(ring, [Agents, Messages]) ->
    Last = self(),
    First = lists:foldl(fun(_, Next) -> spawn(fun() -> pass(Next) end) end, Last, lists:seq(2, Agents)),
    seconds(fun() -> First ! Messages, turn(First) end);
run(pingpong, [Trips]) ->
    Pong = spawn(fun() -> pong() end),
    seconds(fun() -> ping(Pong, Trips, 0) end);
run(fanin, [Senders, Each]) ->
    Sum = self(),
    All = [spawn(fun() -> receive go -> send(Sum, Each) end end) || _ <- lists:seq(1, Senders)],
    seconds(fun() -> [Pid ! go || Pid <- All], gather(Senders * Each, 0) end);
%% A process waits for anything, so that nothing of it can be left out.
run(spawn, [Count]) ->
    seconds(fun() -> start(Count) end);
run(idle, [Count]) ->
    Before = resident(),
    {Seconds, _} = seconds(fun() ->
        Last = start(Count),
        Last ! {self(), there},
        receive there -> ok end
    end),
    {Seconds, resident() - Before};
%% Each sends what it computed to one that adds it up.
run(busy, [Agents, Turns]) ->
    Sum = self(),
    seconds(fun() ->
        [spawn(fun() -> Sum ! compute(0, Turns, 1) end) || _ <- lists:seq(1, Agents)],
        gather(Agents, 0)
    end).

seconds(Do) ->
    Before = erlang:monotonic_time(nanosecond),
    Do(),
    {(erlang:monotonic_time(nanosecond) - Before) / 1.0e9, 0}.

pass(Next) ->
    receive Left -> Next ! Left - 1, pass(Next) end.

turn(Next) ->
    receive
        Left when Left =< 0 -> ok;
        Left -> Next ! Left - 1, turn(Next)
    end.

pong() ->
    receive {From, Data} -> From ! Data + 1, pong() end.

ping(_, 0, Data) -> Data;
ping(Pong, Trips, Data) ->
    Pong ! {self(), Data},
    receive Back -> ping(Pong, Trips - 1, Back) end.

send(_, 0) -> ok;
send(To, Left) -> To ! Left, send(To, Left - 1).

gather(0, Sum) -> Sum;
gather(Left, Sum) ->
    receive Number -> gather(Left - 1, Sum + Number) end.

start(1) -> spawn(fun idle/0);
start(Count) -> spawn(fun idle/0), start(Count - 1).

idle() ->
    receive {From, Message} -> From ! Message, idle() end.

compute(At, At, X) -> X;
compute(At, End, X) -> compute(At + 1, End, ((X * 48271) bxor At) band 16#7FFFFFFF).

resident() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, [Kilobytes]} = re:run(Status, "VmRSS:\\s+(\\d+)", [{capture, all_but_first, list}]),
    list_to_integer(Kilobytes) * 1024.
