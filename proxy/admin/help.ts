// /help and the home page, both made from the table of endpoints.
import { escapeHtml } from '../stats/text.ts';
import type { Endpoint, EndpointParam } from './endpoint.ts';

/** The list of commands that /help prints and unknown paths are answered with. */
export function helpText(endpoints: readonly Endpoint[]): string {
  const commands = endpoints.map((endpoint) => {
    const post = endpoint.mutates ? ' (POST)' : '';
    const params = endpoint.params.map((param) => `      ${param.id}: ${paramHelp(param)}\n`);
    return `  ${endpoint.path}${post}: ${endpoint.help}\n${params.join('')}`;
  });
  return `admin commands are:\n${commands.join('')}`;
}

/** A form for each command; it loads nothing from elsewhere. */
export function homePage(endpoints: readonly Endpoint[]): string {
  const rows = endpoints
    .filter((endpoint) => endpoint.path !== '/')
    .map((endpoint, index) => endpointRows(endpoint, index % 2 === 1));
  return `${HEAD}${rows.join('\n')}${TAIL}`;
}

function paramHelp(param: EndpointParam): string {
  const { options } = param;
  if (options === null || options.length === 0) return param.help;
  return `${param.help}; One of (${options.join(', ')})`;
}

function endpointRows(endpoint: Endpoint, isGray: boolean): string {
  const name = escapeHtml(endpoint.path.slice(1));
  const row = isGray ? "<tr class='gray'>" : '<tr>';
  const method = endpoint.mutates ? 'post' : 'get';
  const button = endpoint.mutates ? '<button>' : "<button class='button-as-link'>";
  const isLink = !endpoint.mutates && endpoint.params.length === 0;
  const command = isLink
    ? `<a href='${name}'>${name}</a>`
    : `<form action='${name}' method='${method}' id='${name}' class='home-form'>${button}${name}</button></form>`;
  const params = endpoint.params.map((param) => {
    const label = escapeHtml(param.help);
    return `${row}<td class='option'>${paramInput(param, name)}</td><td class='home-data'>${label}</td></tr>`;
  });
  const help = escapeHtml(endpoint.help);
  return [
    `${row}<td class='home-data'>${command}</td><td class='home-data'>${help}</td></tr>`,
    ...params,
  ].join('\n');
}

function paramInput(param: EndpointParam, form: string): string {
  const name = `name='${escapeHtml(param.id)}' form='${form}'`;
  if (param.options === null) return `<input type='checkbox' ${name}>`;
  if (param.options.length === 0) return `<input type='text' ${name}>`;
  const options = param.options.map((option) => {
    const text = escapeHtml(option);
    return `<option value='${text}'>${text}</option>`;
  });
  return `<select ${name}>${options.join('')}</select>`;
}

const HEAD = `<!DOCTYPE html>
<html lang='en'>
<head>
<title>Outrigger Admin</title>
<style>
.home-table { font-family: sans-serif; border-collapse: collapse; }
.home-data { text-align: left; padding: 4px; }
.home-form { margin-bottom: 0; }
.button-as-link { background: none; border: none; padding: 0; color: #069; text-decoration: underline; cursor: pointer; font-size: medium; }
.gray { background-color: #ddd; }
.option { padding: 4px 4px 4px 20px; text-align: right; }
</style>
</head>
<body>
<table class='home-table'>
<thead><tr><th class='home-data'>Command</th><th class='home-data'>Description</th></tr></thead>
<tbody>
`;

const TAIL = `
</tbody>
</table>
</body>
</html>
`;
