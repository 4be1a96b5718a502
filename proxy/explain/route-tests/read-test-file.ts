// A file of route tests, read: every mistake is told with its place, and none is passed over.
import type { LocatedProblem } from '../../config/source/report.ts';
import { readText } from '../../config/source/source-file.ts';
import {
  type SourceEntry,
  type SourceNode,
  toPlainValue,
} from '../../config/source/source-node.ts';
import type { RequestWords, UpstreamAnswer } from '../dry-request.ts';
import { readRequest } from '../dry-request.ts';
import { OUTCOME_KINDS } from '../explanation.ts';
import type { Json } from '../flow-text.ts';
import { below, NodeReader } from './node-reader.ts';
import {
  type Expectation,
  type ExpectedValue,
  NAMES_FIELDS,
  POLICY_FIELDS,
  type RouteTest,
  type RouteTestFile,
  TEXT_FIELDS,
} from './route-test.ts';

/** The tests, or why they cannot be run. */
export type ReadTestFile =
  | { readonly ok: true; readonly file: RouteTestFile }
  | { readonly ok: false; readonly problems: readonly LocatedProblem[] };

const FILE_KEYS = ['config', 'tests'];
const TEST_KEYS = ['name', 'request', 'expect'];
const REQUEST_KEYS = [
  ...['method', 'url', 'headers', 'listener', 'protocol', 'client', 'random', 'upstream'],
];
const UPSTREAM_KEYS = ['status', 'headers'];
const HEADER_TESTS = ['set', 'removed', 'absent'] as const;
const EXPECT_KEYS = [
  ...['outcome', 'status', 'timeout', 'idle_timeout', 'weights'],
  ...['request_headers', 'response_headers'],
  ...TEXT_FIELDS,
  ...NAMES_FIELDS,
  ...Object.keys(POLICY_FIELDS),
];
const UINT32_MAX = 2 ** 32 - 1;
const MAX_STATUS = 599;
const MAX_PERCENT = 100;

/** `name` is the file's; its text is YAML. */
export function readTestFile(name: string, text: string): ReadTestFile {
  const reader = new NodeReader(name, text);
  const read = readText(text, 'yaml');
  if (!read.ok) {
    for (const { reason, ...span } of read.problems) reader.reject(span, '', reason);
    return { ok: false, problems: reader.problems };
  }
  const file = new TestFileReader(reader).file(name, read.root);
  return reader.problems.length > 0 ? { ok: false, problems: reader.problems } : { ok: true, file };
}

class TestFileReader {
  readonly #reader: NodeReader;

  constructor(reader: NodeReader) {
    this.#reader = reader;
  }

  file(name: string, root: SourceNode): RouteTestFile {
    const members = this.#reader.members(root, '', FILE_KEYS);
    const tests = members.get('tests')?.value;
    if (tests === undefined && root.kind === 'map') {
      this.#reader.reject({ start: root.start, end: root.start + 1 }, '', "'tests' is missing");
    }
    const items = tests === undefined ? [] : this.#reader.items(tests, 'tests');
    return {
      name,
      config: this.#text(members, 'config', ''),
      tests: items.map((item, index) => this.#test(item, `tests[${index}]`)),
    };
  }

  #test(node: SourceNode, path: string): RouteTest {
    const members = this.#reader.members(node, path, TEST_KEYS);
    const request = members.get('request');
    const expect = members.get('expect');
    const place = { start: node.start, end: node.start + 1 };
    if (request === undefined) this.#reader.reject(place, path, "'request' is missing");
    if (expect === undefined) this.#reader.reject(place, path, "'expect' is missing");
    const words = request === undefined ? NOTHING : this.#request(request, `${path}.request`);
    return {
      name: this.#text(members, 'name', path) || `${words.method} ${words.url}`,
      origin: this.#reader.origin(node, path),
      request: words,
      expectations: expect === undefined ? [] : this.#expect(expect, `${path}.expect`),
    };
  }

  #request({ value: node, keyStart, keyEnd }: SourceEntry, path: string): RequestWords {
    const members = this.#reader.members(node, path, REQUEST_KEYS);
    const protocol = members.get('protocol')?.value;
    const chosen =
      protocol === undefined
        ? 'http1'
        : this.#reader.choice(protocol, `${path}.protocol`, ['http1', 'http2']);
    const random = members.get('random')?.value;
    const number =
      random === undefined ? 0 : this.#reader.number(random, `${path}.random`, UINT32_MAX);
    const words: RequestWords = {
      method: this.#text(members, 'method', path) || 'GET',
      url: this.#text(members, 'url', path),
      headers: this.#headers(members.get('headers'), `${path}.headers`),
      listener: this.#text(members, 'listener', path),
      protocol: chosen === 'http2' ? 'HTTP/2' : 'HTTP/1.1',
      clientIp: this.#text(members, 'client', path) || '127.0.0.1',
      random: number ?? 0,
      upstream: this.#upstream(members.get('upstream'), `${path}.upstream`),
    };
    const read = readRequest(words);
    const span = members.get('url')?.value ?? { start: keyStart, end: keyEnd };
    for (const error of read.ok ? [] : read.errors) this.#reader.reject(span, path, error);
    return words;
  }

  #upstream(entry: SourceEntry | undefined, path: string): UpstreamAnswer {
    if (entry === undefined) return { status: 200, fields: [] };
    const members = this.#reader.members(entry.value, path, UPSTREAM_KEYS);
    const status = members.get('status')?.value;
    const read = status === undefined ? 200 : this.#reader.number(status, path, MAX_STATUS);
    const lines = this.#headers(members.get('headers'), `${path}.headers`);
    const fields = lines.map((line) => ({
      name: line.slice(0, line.indexOf(':')).toLowerCase(),
      value: line.slice(line.indexOf(':') + 2),
    }));
    return { status: read ?? 200, fields };
  }

  /** `name: value` or `name: [value, value]`. */
  #headers(entry: SourceEntry | undefined, path: string): readonly string[] {
    if (entry === undefined) return [];
    return this.#reader.entries(entry.value, path).flatMap(({ key, value }) => {
      const values = value.kind === 'list' ? value.items : [value];
      return values.map((each) => `${key}: ${this.#reader.text(each, below(path, key)) ?? ''}`);
    });
  }

  #expect({ value: node }: SourceEntry, path: string): readonly Expectation[] {
    const members = this.#reader.members(node, path, EXPECT_KEYS);
    return [...members.values()].flatMap((entry) => {
      const at = { entry, path: `${path}.${entry.key}` };
      const isHeaders = entry.key === 'request_headers' || entry.key === 'response_headers';
      if (isHeaders) return this.#headerTests(at);
      const value = this.#expected(at);
      return value === null ? [] : [this.#expectation(at, entry.key, value)];
    });
  }

  #expected({ entry, path }: EntryAt): ExpectedValue | null {
    const { key, value: node } = entry;
    const field = TEXT_FIELDS.find((name) => name === key);
    if (field !== undefined) {
      const value = this.#reader.text(node, path);
      return value === null ? null : { kind: 'text', field, value };
    }
    const names = NAMES_FIELDS.find((name) => name === key);
    if (names !== undefined) return { kind: 'names', field: names, value: this.#list(node, path) };
    const policy = POLICY_FIELDS[key];
    if (policy !== undefined) {
      return { kind: 'policy', field: policy, value: toPlainValue(node) as Json };
    }
    return this.#special(key, node, path);
  }

  #special(key: string, node: SourceNode, path: string): ExpectedValue | null {
    if (key === 'outcome') {
      const value = this.#reader.choice(node, path, OUTCOME_KINDS);
      return value === null ? null : { kind: 'outcome', value };
    }
    if (key === 'status') {
      const value = this.#reader.number(node, path, MAX_STATUS);
      return value === null ? null : { kind: 'status', value };
    }
    if (key === 'weights') return { kind: 'weights', value: this.#weights(node, path) };
    const value = this.#reader.text(node, path);
    if (value === null) return null;
    return { kind: 'duration', field: key === 'timeout' ? 'timeout' : 'idle timeout', value };
  }

  #weights(node: SourceNode, path: string): Readonly<Record<string, number>> {
    const entries = this.#reader.entries(node, path).map(({ key, value }) => {
      const percent = this.#reader.number(value, below(path, key), MAX_PERCENT);
      return [key, percent ?? 0] as const;
    });
    return Object.fromEntries(entries);
  }

  #headerTests({ entry, path }: EntryAt): readonly Expectation[] {
    const message = entry.key === 'request_headers' ? 'request' : 'response';
    const members = this.#reader.members(entry.value, path, HEADER_TESTS);
    return HEADER_TESTS.flatMap((test) => {
      const found = members.get(test);
      if (found === undefined) return [];
      const at = { entry: found, path: `${path}.${test}` };
      const wanted = test === 'set' ? this.#setHeaders(at) : this.#namedHeaders(at);
      return wanted.map(({ name, value, entry: place }) => {
        const expected = { kind: 'header', message, test, name, value } as const;
        return this.#expectation(place, `${entry.key}.${test}.${name}`, expected);
      });
    });
  }

  #setHeaders({ entry, path }: EntryAt): readonly WantedHeader[] {
    return this.#reader.entries(entry.value, path).map((each) => {
      const at = { entry: each, path: below(path, each.key) };
      const value = this.#reader.text(each.value, at.path) ?? '';
      return { name: each.key.toLowerCase(), value, entry: at };
    });
  }

  #namedHeaders({ entry, path }: EntryAt): readonly WantedHeader[] {
    const names = this.#list(entry.value, path);
    return names.map((name) => ({ name: name.toLowerCase(), value: '', entry: { entry, path } }));
  }

  #list(node: SourceNode, path: string): readonly string[] {
    return this.#reader
      .items(node, path)
      .flatMap((item, index) => this.#reader.text(item, `${path}[${index}]`) ?? []);
  }

  #expectation({ entry, path }: EntryAt, key: string, value: ExpectedValue): Expectation {
    const place = { start: entry.keyStart, end: entry.keyEnd };
    return { ...value, key, origin: this.#reader.origin(place, path) };
  }

  #text(members: ReadonlyMap<string, SourceEntry>, key: string, path: string): string {
    const entry = members.get(key);
    return entry === undefined ? '' : (this.#reader.text(entry.value, below(path, key)) ?? '');
  }
}

interface EntryAt {
  readonly entry: SourceEntry;
  readonly path: string;
}

interface WantedHeader {
  readonly name: string;
  readonly value: string;
  readonly entry: EntryAt;
}

const NOTHING: RequestWords = { method: 'GET', url: '' };
