// Request targets as they may stand on the wire, whatever rewrites made of them.
import { isTargetText } from './validation.ts';

/** The path with everything that no target may hold percent-encoded. */
export function wirePath(path: string): string {
  if (isTargetText(path)) return path;
  const bytes = Buffer.from(path, 'utf8');
  let encoded = '';
  for (const byte of bytes) {
    const isPlain = byte > 0x20 && byte < 0x7f && byte !== 0x23;
    encoded += isPlain ? String.fromCharCode(byte) : percent(byte);
  }
  return encoded === '' ? '/' : encoded;
}

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
