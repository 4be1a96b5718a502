import fs from 'node:fs';
import t from 'tap';
import { renderConfigurationDocs } from '../../proxy/config/docs.ts';
import { EXTENSIONS } from '../../proxy/filters/extensions.ts';

const rendered = renderConfigurationDocs(EXTENSIONS);

t.test('docs/configuration.md is current: else run `npm run docs`', (t) => {
  const file = new URL('../../../docs/configuration.md', import.meta.url);
  t.equal(fs.readFileSync(file, 'utf8'), rendered);
  t.end();
});

t.test('says of each field whether it is honoured, accepted, partly so, or refused', (t) => {
  t.match(rendered, '| static_resources | StaticResources | honoured |');
  t.match(rendered, '| flags_path | string | refused |');
  t.match(rendered, /\| watchdogs \| Watchdogs \| accepted: /);
  t.match(rendered, /\| protocol \| Protocol \| partly: /);
  t.end();
});

t.test('describes every message once, also those that only an Any leads to', (t) => {
  const titles = [...rendered.matchAll(/^### (.*)$/gm)].map((match) => match[1]);
  t.equal(new Set(titles).size, titles.length);
  t.ok(titles.includes('envoy.config.bootstrap.v3.Bootstrap'));
  t.ok(titles.includes('envoy.extensions.filters.http.router.v3.Router'));
  t.ok(titles.includes('envoy.extensions.upstreams.http.v3.HttpProtocolOptions'));
  t.end();
});
