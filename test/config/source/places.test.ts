import t from 'tap';
import { SourcePlaces } from '../../../proxy/config/source/places.ts';

t.test('finds where a value or the beginning of an item stands', (t) => {
  const content = 'clusters:\n- name: a\n- name: b\n  loadAssignment: { cluster_name: b }\n';
  const places = new SourcePlaces([{ name: 'x.yaml', content }]);
  t.same(places.find('clusters[1]'), { file: 'x.yaml', line: 3, column: 3 });
  t.same(places.find('clusters[1].name'), { file: 'x.yaml', line: 3, column: 9 });
  t.same(places.find('clusters[1].load_assignment.cluster_name')?.line, 4);
  t.end();
});

t.test('finds what a later text adds in that text', (t) => {
  const places = new SourcePlaces([
    { name: 'x.yaml', content: 'clusters:\n- name: a\n' },
    { name: '--config-yaml', format: 'yaml', content: '\nclusters: [{ name: b }]' },
  ]);
  t.same(places.find('clusters[1].name'), { file: '--config-yaml', line: 2, column: 20 });
  t.end();
});

t.test('knows no place without a text that can be read', (t) => {
  t.equal(new SourcePlaces([]).find('a'), null);
  t.equal(new SourcePlaces([{ name: 'x.json', content: '{' }]).find('a'), null);
  t.end();
});
