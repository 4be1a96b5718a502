// What `proxy-config` says of files that are no dumps.
import t from 'tap';
import { parseDump, sectionOf } from '../../../proxy/cli/proxy-config/dump.ts';

const NOT_DUMPS: readonly (readonly [string, string])[] = [
  ['', 'it is empty'],
  ['<!DOCTYPE html>', 'a web page, not JSON'],
  ['static_resources: {}', 'it is not JSON'],
  ['[{"name":"a"}]', 'it is a list'],
  ['7', 'no JSON object'],
  ['{"static_resources":{}}', 'a bootstrap'],
  ['{"stats":[]}', 'an answer of /stats'],
  ['{"state":"LIVE","command_line_options":{}}', 'an answer of /server_info'],
  ['{"certificates":[]}', 'an answer of /certs'],
  ['{"typeUrl":"x","resources":[]}', 'a DiscoveryResponse'],
  ['{"a":1}', "JSON without 'configs'"],
  ['{"configs":7}', "JSON without 'configs'"],
];

t.test('says what a file is that is no dump, and what to save', async (t) => {
  for (const [content, reason] of NOT_DUMPS) {
    const { ok, ...rest } = parseDump(content);
    t.equal(ok, false, content);
    const error = 'error' in rest ? String(rest.error) : '';
    t.ok(error.includes(reason), `${content}: ${error}`);
    t.ok(error.includes('/config_dump'), error);
  }
});

t.test('says which parts a dump of a part holds', async (t) => {
  const dump = parseDump('\uFEFF{"configs":[{"@type":"x/envoy.admin.v3.RoutesConfigDump"}]}');
  if (!dump.ok) return t.fail(dump.error);
  t.ok(sectionOf(dump.value, 'RoutesConfigDump').ok);
  t.match(sectionOf(dump.value, 'ListenersConfigDump'), {
    ok: false,
    error: 'holds no ListenersConfigDump, only RoutesConfigDump',
  });
  const clusters = parseDump('{"cluster_statuses":[]}');
  if (!clusters.ok) return t.fail(clusters.error);
  t.match(sectionOf(clusters.value, 'RoutesConfigDump'), { error: 'an answer of /clusters' });
});
