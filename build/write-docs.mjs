// Writes docs/configuration.md from the compiled support tables, and the flags' table into
// docs/command-line.md and docs/istio-iptables.md.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { renewIptablesDocs } from '../dist/iptables-init/docs.js';
import { renewFlagDocs } from '../dist/proxy/cli/docs.js';
import { renderConfigurationDocs } from '../dist/proxy/config/docs.js';
import { EXTENSIONS } from '../dist/proxy/filters/extensions.js';

const docs = fileURLToPath(new URL('../docs/', import.meta.url));
fs.mkdirSync(docs, { recursive: true });
write('configuration.md', renderConfigurationDocs(EXTENSIONS));
write('istio-iptables.md', renewIptablesDocs(fs.readFileSync(`${docs}istio-iptables.md`, 'utf8')));
write('command-line.md', renewFlagDocs(fs.readFileSync(`${docs}command-line.md`, 'utf8')));

function write(name, text) {
  fs.writeFileSync(path.join(docs, name), text);
  console.log(`docs: wrote docs/${name}`);
}
