// Writes docs/configuration.md from the compiled support tables.

import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderConfigurationDocs } from '../dist/proxy/config/docs.js';
import { EXTENSIONS } from '../dist/proxy/filters/extensions.js';

const file = fileURLToPath(new URL('../docs/configuration.md', import.meta.url));
fs.mkdirSync(path.dirname(file), { recursive: true });
fs.writeFileSync(file, renderConfigurationDocs(EXTENSIONS));
console.log(`docs: wrote ${path.relative(process.cwd(), file)}`);
