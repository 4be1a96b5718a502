// SETTINGS of both sides: what we announce, and what a peer may say (RFC 9113 §6.5).
import type { ProtocolError } from '../protocol-error.ts';
import { H2_ERROR } from './errors.ts';
import {
  DEFAULT_HEADER_TABLE_BYTES,
  DEFAULT_MAX_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  MAX_31_BITS,
  MAX_FRAME_BYTES,
  SETTING,
} from './frame-types.ts';
import type { H2ProtocolOptions } from './options.ts';

const ENTRY_BYTES = 6;

/** Identifiers and values in Envoy's order; a client refuses pushes in front of them. */
export function announcedSettings(options: H2ProtocolOptions, isClient: boolean): number[] {
  const pairs = isClient ? [SETTING.enablePush, 0] : [];
  pairs.push(SETTING.headerTableSize, options.hpackTableSize);
  pairs.push(SETTING.enableConnectProtocol, options.allowConnect ? 1 : 0);
  pairs.push(SETTING.maxConcurrentStreams, options.maxConcurrentStreams);
  pairs.push(SETTING.initialWindowSize, options.initialStreamWindowSize);
  for (const { identifier, value } of options.customSettings) pairs.push(identifier, value);
  return pairs;
}

/** What the peer said last of each setting. */
export class PeerSettings {
  headerTableSize = DEFAULT_HEADER_TABLE_BYTES;
  /** -1: it did not say. */
  maxConcurrentStreams = -1;
  initialWindowSize = DEFAULT_WINDOW_BYTES;
  maxFrameSize = DEFAULT_MAX_FRAME_BYTES;
  enableConnectProtocol = false;

  /** Takes over the entries in `buffer[start, end)`, in order; unknown ones are ignored. */
  apply(buffer: Buffer, start: number, end: number): ProtocolError | null {
    for (let at = start; at < end; at += ENTRY_BYTES) {
      const error = this.#set(buffer.readUInt16BE(at), buffer.readUInt32BE(at + 2));
      if (error !== null) return error;
    }
    return null;
  }

  #set(id: number, value: number): ProtocolError | null {
    switch (id) {
      case SETTING.headerTableSize:
        this.headerTableSize = value;
        return null;
      case SETTING.enablePush:
        return value > 1 ? H2_ERROR.settingsValue : null;
      case SETTING.maxConcurrentStreams:
        this.maxConcurrentStreams = value;
        return null;
      case SETTING.initialWindowSize:
        this.initialWindowSize = value;
        return value > MAX_31_BITS ? H2_ERROR.settingsWindow : null;
      case SETTING.maxFrameSize:
        this.maxFrameSize = value;
        return isFrameSize(value) ? null : H2_ERROR.settingsValue;
      case SETTING.enableConnectProtocol:
        return this.#setConnectProtocol(value);
      default:
        return null;
    }
  }

  /** RFC 8441 §3: 0 or 1, and never back to 0. */
  #setConnectProtocol(value: number): ProtocolError | null {
    if (value > 1 || (value === 0 && this.enableConnectProtocol)) return H2_ERROR.settingsValue;
    this.enableConnectProtocol = value === 1;
    return null;
  }
}

function isFrameSize(value: number): boolean {
  return value >= DEFAULT_MAX_FRAME_BYTES && value <= MAX_FRAME_BYTES;
}
