// What `npm run bench` is asked to do.
import { parseArgs } from 'node:util';
import { SCENARIOS, type Scenario } from './scenario.ts';

/** A browser's fields, for `--rich`. */
const RICH_HEADERS = [
  'user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0',
  'accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'accept-language: en-GB,en;q=0.9,de;q=0.8',
  'accept-encoding: gzip, deflate, br, zstd',
  'cache-control: max-age=0',
  'cookie: session=8d3f6a1c0b9e4f7a; theme=dark; consent=1',
  'sec-ch-ua: "Chromium";v="131", "Not_A Brand";v="24"',
  'sec-ch-ua-mobile: ?0',
  'sec-fetch-dest: document',
  'sec-fetch-mode: navigate',
  'upgrade-insecure-requests: 1',
];

/** How a run measures. */
export interface Settings {
  readonly scenarios: readonly Scenario[];
  readonly seconds: number;
  readonly rounds: number;
  /** Of HTTP/1.1 clients, each with one request at a time. */
  readonly connections: number;
  /** Of HTTP/2 clients. */
  readonly h2Connections: number;
  /** Requests at a time on each of them. */
  readonly streams: number;
  readonly headers: readonly string[];
  /** Names of contenders besides Outrigger; null for all. */
  readonly only: readonly string[] | null;
}

const USAGE = `npm run bench -- [--scenario NAME,NAME] [--seconds N] [--rounds N] [--connections N]
             [--h2-connections N] [--streams N] [--rich] [--only NAME,NAME]
  --scenario        client's and upstream's protocol, or all (h1-h1):
                    ${SCENARIOS.map(({ name }) => name).join(', ')}
  --seconds         of load in each round (4)
  --rounds          of which the median counts (3)
  --connections     of HTTP/1.1 clients, that stay open (64)
  --h2-connections  of HTTP/2 clients (8)
  --streams         at a time on each of these (8)
  --rich            sends a browser's fields
  --only            measures these beside Outrigger`;

/** Settings, or what to tell whoever asked for something else. */
export function readSettings(names: readonly string[]): Settings | string {
  try {
    const { values } = parseArgs({
      options: {
        scenario: { type: 'string', default: 'h1-h1' },
        seconds: { type: 'string', default: '4' },
        rounds: { type: 'string', default: '3' },
        connections: { type: 'string', default: '64' },
        'h2-connections': { type: 'string', default: '8' },
        streams: { type: 'string', default: '8' },
        rich: { type: 'boolean', default: false },
        only: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return USAGE;
    return {
      scenarios: scenariosOf(values.scenario),
      seconds: positive('--seconds', values.seconds),
      rounds: positive('--rounds', values.rounds),
      connections: positive('--connections', values.connections),
      h2Connections: positive('--h2-connections', values['h2-connections']),
      streams: positive('--streams', values.streams),
      headers: values.rich ? RICH_HEADERS : [],
      only: known(values.only?.split(',') ?? null, names),
    };
  } catch (error) {
    return `${(error as Error).message}\n${USAGE}`;
  }
}

function positive(flag: string, text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new Error(`${flag}: '${text}' is not a whole number from 1`);
}

function scenariosOf(text: string): readonly Scenario[] {
  if (text === 'all') return SCENARIOS;
  return text.split(',').map((name) => {
    const scenario = SCENARIOS.find((candidate) => candidate.name === name);
    if (scenario !== undefined) return scenario;
    const names = SCENARIOS.map((candidate) => candidate.name).join(', ');
    throw new Error(`--scenario: '${name}' is none of ${names}`);
  });
}

function known(asked: readonly string[] | null, names: readonly string[]): typeof asked {
  const stranger = asked?.find((name) => !names.includes(name));
  if (stranger === undefined) return asked;
  throw new Error(`--only: '${stranger}' is none of ${names.join(', ')}`);
}
