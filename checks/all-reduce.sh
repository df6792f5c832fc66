#!/usr/bin/env bash
# ---
# id: all-reduce
# question: "Can the nodes do an all-reduce with each other in time, and is none of them slow?"
# ok: "{all_reduce_backend}: {all_reduce_mbps} MB/s between {all_reduce_nodes} nodes"
# scope: node
# level: node
# gate: false
# about: run
# seconds: 60
# inputs: [CHECK_PEERS, CHECK_MASTER_ADDR, CHECK_PYTHON]
# tools: [python3]
# limits:
#   all_reduce_seconds: 40
#   pair_percent: 50
# rules:
#   - fact: all_reduce
#     op: eq
#     limit: no-torch
#     severity: unknown
#     message: "{python_command} has no torch on this node: the all-reduce was not tried"
#     fix: "opsctl preflight --nodes LIST --recipe FILE   # asks in the environment of the run"
#   - fact: all_reduce
#     op: eq
#     limit: alone
#     severity: unknown
#     message: "one node alone has nobody to reduce with"
#     fix: "opsctl preflight --nodes LIST   # two or more"
#   - fact: all_reduce
#     op: eq
#     limit: incomplete
#     severity: critical
#     message: "not taking part: {all_reduce_missing}"
#     fix: "opsctl preflight --nodes {all_reduce_missing}   # what else is wrong there"
#   - fact: all_reduce
#     op: in
#     limit: "failed late wrong"
#     severity: critical
#     message: "{all_reduce_backend} all-reduce {all_reduce}: {all_reduce_error}"
#     fix: "export NCCL_DEBUG=INFO   # then network.socket_ifname and network.ib_hca in the profile"
#   - fact: pair_mbps
#     op: below-median
#     limit: pair_percent
#     when: { all_reduce: "ok" }
#     severity: warning
#     message: "{pair_mbps} MB/s with its neighbours, where the median is {median}"
#     fix: "ibstat   # exclude the node, or have its cable and switch port looked at"
# ---

# Every node runs this at the same time; the first of CHECK_PEERS keeps the list of who is there. With GPUs it is nccl on
# the first of them, else gloo, over the interfaces that the job's variables name.
all_reduce_program() {
  cat <<'PY'
import datetime, importlib.util, os, sys, threading, time

def tell(**facts):
    for name, value in facts.items():
        print(f"{name}={value}")
    sys.stdout.flush()

peers = os.environ["CHECK_PEERS"].split()
me, host, port, limit = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
rank, world = peers.index(me), len(peers)
tell(all_reduce_nodes=world, all_reduce_backend="torch")
if importlib.util.find_spec("torch") is None:
    tell(all_reduce="no-torch")
    sys.exit()
begin, where = time.monotonic(), ["the import of torch"]

def left(part=1.0):
    return datetime.timedelta(seconds=max(0.2, limit * part - (time.monotonic() - begin)))

def too_late():
    tell(all_reduce="late", all_reduce_error=f"no end within {limit:.0f} s, in {where[0]}")
    os._exit(0)

# A collective that hangs cannot be interrupted: only the process can end.
timer = threading.Timer(limit, too_late)
timer.daemon = True
timer.start()
import torch
import torch.distributed as dist

# Part of the time that the first node waits for the others.
WAIT = 0.6
nccl = torch.cuda.is_available() and dist.is_nccl_available()
tell(all_reduce_backend="nccl" if nccl else "gloo")
device = torch.device("cuda:0" if nccl else "cpu")

def settle():
    if nccl:
        torch.cuda.synchronize()

def await_all(store, what, wanted, part):
    """Who has not said so in time. Asked again and again: a wait of TCPStore that times out spoils its connection."""
    missing = set(wanted)
    while True:
        missing = {other for other in missing if store.add(f"{what}/{other}", 0) == 0}
        if not missing or left(part).total_seconds() <= 0.2:
            return sorted(missing)
        time.sleep(0.02)

def here():
    where[0] = f"the rendezvous on {peers[0]}"
    store = dist.TCPStore(host, port, world, rank == 0, left(0.9), wait_for_workers=False)
    store.add(f"here/{rank}", 1)
    if rank == 0:
        missing = await_all(store, "here", range(world), WAIT)
        store.set("missing", ",".join(peers[other] for other in missing) or "none")
        store.add("decided/0", 1)
    if await_all(store, "decided", [0], 0.9):
        raise TimeoutError
    return store, store.get("missing").decode()

def exchange(other, size, times=1):
    out, into = torch.ones(size, device=device), torch.empty(size, device=device)
    start = time.monotonic()
    for _ in range(times):
        for request in dist.batch_isend_irecv([dist.P2POp(dist.isend, out, other), dist.P2POp(dist.irecv, into, other)]):
            request.wait()
        settle()
    return times * size * 4 / 1e6 / (time.monotonic() - start)

def often(other):
    # As many times as a second has room for, as the first of the two has it: over a slow link sixteen take the whole limit.
    times = torch.tensor([max(1, min(16, int(exchange(other, 2_000_000) / 8)))], device=device)
    if rank < other:
        dist.send(times, other)
    else:
        dist.recv(times, other)
    return int(times.item())

def neighbours():
    # First 0-1, 2-3 and so on, then 1-2, 3-4, the last with the first: a slow node is slow with both of its neighbours,
    # they are with one alone. Two nodes cannot tell which of them it is.
    turns = [rank ^ 1, ((rank + 1) ^ 1) - 1]
    if world % 2 == 0:
        turns = [other % world for other in turns]
    else:
        turns.append({0: world - 1, world - 1: 0}.get(rank, -1))
    best = 0.0
    # Twice, because a machine that is busy for a moment is not slow; over many exchanges, because one that is halted now and
    # then, as by a limit of its processor time, is quick in between.
    for other in turns * 2:
        dist.barrier()
        if 0 <= other < world:
            exchange(other, 1024)
            best = max(best, exchange(other, 2_000_000, often(other)))
    return best

try:
    ready = time.monotonic() - begin
    try:
        store, missing = here()
    except Exception:
        # The first node waits so long and no longer: who comes after that has nobody to blame but itself.
        if ready > limit * WAIT:
            tell(all_reduce="late", all_reduce_error=f"this node was ready after {ready:.0f} s, when the others had given it up")
        else:
            tell(all_reduce="incomplete", all_reduce_missing=peers[0])
        os._exit(0)
    if missing != "none":
        tell(all_reduce="incomplete", all_reduce_missing=missing)
    else:
        where[0] = "the connection of the nodes"
        dist.init_process_group("nccl" if nccl else "gloo", store=dist.PrefixStore("group", store), rank=rank, world_size=world, timeout=left())
        where[0] = "the all-reduce"
        numbers = torch.ones(4_000_000, device=device)
        dist.all_reduce(torch.ones(1024, device=device))
        settle()
        start = time.monotonic()
        dist.all_reduce(numbers)
        settle()
        seconds = time.monotonic() - start
        # As nccl-tests count it: what each link carries.
        speed = numbers.numel() * 4 / 1e6 / seconds * 2 * (world - 1) / world
        right = bool((numbers == world).all())
        where[0] = "the exchange with the neighbours"
        pair = neighbours()
        where[0] = "the end"
        dist.barrier()
        tell(all_reduce_mbps=int(speed), pair_mbps=int(pair))
        if right:
            tell(all_reduce="ok")
        else:
            tell(all_reduce="wrong", all_reduce_error="a sum is not the number of nodes")
    # The store must outlive those that still read it.
    store.add(f"done/{rank}", 1)
    if rank == 0:
        await_all(store, "done", [other for other in range(world) if peers[other] not in missing.split(",")], 0.95)
except Exception as error:
    tell(all_reduce="failed", all_reduce_error=f"{where[0]}: {' '.join(str(error).split())[:160]}")
os._exit(0)
PY
}

all_reduce() {
  local python=${CHECK_PYTHON:-python3} peers=() me=${SLURMD_NODENAME:-$(uname -n)} hash
  read -ra peers <<<"${CHECK_PEERS:-}"
  echo "python_command=$python"
  if ((${#peers[@]} < 2)); then
    echo all_reduce=alone
    return
  fi
  # A port of this step's own that all nodes find by themselves, below those for outgoing connections.
  read -r hash _ < <(printf %s "opsctl ${SLURM_JOB_ID:-} ${SLURM_STEP_ID:-}" | cksum)
  "$python" -c "$(all_reduce_program)" "${me%%.*}" "${CHECK_MASTER_ADDR:-${peers[0]}}" "$((12000 + hash % 18000))" \
    "${CHECK_ALL_REDUCE_SECONDS:-40}" 2>/dev/null
}
all_reduce
