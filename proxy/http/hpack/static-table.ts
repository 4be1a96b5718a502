// The static table of RFC 7541 Appendix A.
import { fieldNameOf } from './field-name.ts';
import { TableEntry } from './table-entry.ts';

/** `name` or `name=value` in the order of their indices, from 1. */
const FIELDS = [
  ':authority',
  ':method=GET',
  ':method=POST',
  ':path=/',
  ':path=/index.html',
  ':scheme=http',
  ':scheme=https',
  ':status=200',
  ':status=204',
  ':status=206',
  ':status=304',
  ':status=400',
  ':status=404',
  ':status=500',
  'accept-charset',
  'accept-encoding=gzip, deflate',
  'accept-language',
  'accept-ranges',
  'accept',
  'access-control-allow-origin',
  'age',
  'allow',
  'authorization',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-location',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'etag',
  'expect',
  'expires',
  'from',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'last-modified',
  'link',
  'location',
  'max-forwards',
  'proxy-authenticate',
  'proxy-authorization',
  'range',
  'referer',
  'refresh',
  'retry-after',
  'server',
  'set-cookie',
  'strict-transport-security',
  'transfer-encoding',
  'user-agent',
  'vary',
  'via',
  'www-authenticate',
] as const;

/** Entries of the static table; the first dynamic index follows. */
export const STATIC_ENTRIES = FIELDS.length;

/** The table by index; index 0 holds nothing that may be used. */
export const STATIC_TABLE: readonly TableEntry[] = [':=', ...FIELDS].map((field) => {
  const [name, value] = field.split('=') as [string, string?];
  return new TableEntry(fieldNameOf(name), value ?? '', true);
});

const FIRST_INDEX: ReadonlyMap<string, number> = new Map(
  STATIC_TABLE.map((entry, index): [string, number] => [entry.name.text, index]).reverse(),
);

/** The lowest index whose entry has this name; 0 when there is none. */
export function staticNameIndex(name: string): number {
  return FIRST_INDEX.get(name) ?? 0;
}
