import t from 'tap';
import { SystemRandom } from '../../proxy/server/system-random.ts';

t.test('makes version 4 UUIDs, none twice, also across refills of its pool', async (t) => {
  const random = new SystemRandom();
  const seen = new Set<string>();
  for (let count = 0; count < 3000; count += 1) seen.add(random.uuid());
  t.equal(seen.size, 3000);
  const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  t.ok([...seen].every((uuid) => shape.test(uuid)));
});
