import t from 'tap';
import type { WeightedClusterConfig } from '../../proxy/model/route.ts';
import { chooseCluster, type WeightedSpecifier } from '../../proxy/routing/choose-cluster.ts';
import { requestHead } from '../support/route-fixtures.ts';

function weighted(
  clusters: readonly WeightedClusterConfig[],
  headerName?: string,
): WeightedSpecifier {
  const totalWeight = clusters.reduce((sum, { weight }) => sum + weight, 0);
  const specifier: WeightedSpecifier = { kind: 'weighted', clusters, totalWeight };
  return headerName === undefined ? specifier : { ...specifier, headerName };
}

t.test('takes the name that the route gives', async (t) => {
  t.equal(chooseCluster({ kind: 'cluster', name: 'a' }, requestHead(), 0), 'a');
});

t.test('takes the first value of the field, and none without it', async (t) => {
  const specifier = { kind: 'header', name: 'x-c' } as const;
  t.equal(chooseCluster(specifier, requestHead({ headers: ['x-c', 'a', 'x-c', 'b'] }), 0), 'a');
  t.equal(chooseCluster(specifier, requestHead(), 0), '');
});

t.test('gives each cluster its share of the numbers, and none to weight 0', async (t) => {
  const specifier = weighted([
    { name: 'zero', weight: 0 },
    { name: 'a', weight: 90 },
    { name: 'none', weight: 0 },
    { name: '', clusterHeader: 'x-c', weight: 10 },
  ]);
  const head = requestHead({ headers: ['x-c', 'b'] });
  const counts = new Map<string, number>();
  for (let random = 0; random < 1000; random += 1) {
    const name = chooseCluster(specifier, head, random);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  t.same(
    [...counts],
    [
      ['a', 900],
      ['b', 100],
    ],
  );
  t.equal(chooseCluster(specifier, head, 89), 'a');
  t.equal(chooseCluster(specifier, head, 90), 'b');
});

t.test('draws by the field when it holds one number of 64 bits', async (t) => {
  const specifier = weighted(
    [
      { name: 'a', weight: 1 },
      { name: 'b', weight: 2 },
    ],
    'x-draw',
  );
  const cases: readonly (readonly [values: readonly string[], wanted: string])[] = [
    [['0'], 'a'],
    [['1'], 'b'],
    [['3'], 'a'],
    [['18446744073709551615'], 'a'],
    [['18446744073709551614'], 'b'],
    [['18446744073709551616'], 'a'],
    [['-1'], 'a'],
    [['x'], 'a'],
    [[''], 'a'],
    [['1', '1'], 'a'],
    [[], 'a'],
  ];
  for (const [values, wanted] of cases) {
    const headers = values.flatMap((value) => ['x-draw', value]);
    t.equal(chooseCluster(specifier, requestHead({ headers }), 0), wanted, values.join(' '));
  }
});

t.test('finds none when the weights do not fill the total', async (t) => {
  const specifier: WeightedSpecifier = { kind: 'weighted', clusters: [], totalWeight: 1 };
  t.equal(chooseCluster(specifier, requestHead(), 0), '');
});
