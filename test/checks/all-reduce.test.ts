import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const check = readFileSync('checks/all-reduce.sh', 'utf8');
const from = check.indexOf('def neighbours():');
const neighbours = check.slice(from, check.indexOf('\ntry:\n', from));

/** The check's own schedule, without torch: an exchange is as slow as the slower of the two that meet. */
const SIMULATION = `
import statistics
${neighbours}
class dist:
    def barrier(): pass
def measure(world, slow):
    global rank, exchange
    globals()["world"] = world
    meetings, best = {}, []
    for rank in range(world):
        met = []
        def exchange(other, size):
            met.append(other)
            return 10.0 if slow in (rank, other) else 100.0
        best.append(neighbours())
        meetings[rank] = set(met)
    # Who sends must be received from: in each turn the two name each other.
    assert all(rank in meetings[other] for rank in meetings for other in meetings[rank]), (world, meetings)
    median = statistics.median(best)
    return [rank for rank in range(world) if best[rank] < median * 0.5]
for world in range(3, 73):
    for slow in range(world):
        named = measure(world, slow)
        assert named == [slow], (world, slow, named)
    assert measure(world, None) == [], world
assert measure(2, 1) == []
print("all")
`;

it('of all-reduce, the node that is slow is named, whichever it is, and never one that it meets', () => {
  const { stdout, stderr } = spawnSync('python3', ['-c', SIMULATION], { encoding: 'utf8' });
  expect([stdout, stderr]).toEqual(['all\n', '']);
});
