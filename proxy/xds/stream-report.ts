// What is known of a source's state, for whoever looks at a running proxy.

/** The response of a type that came last on this stream, or was polled or read last. */
export interface ReceivedReport {
  readonly version: string;
  readonly nonce: string;
  /** Why it was refused; '' : it was accepted. */
  readonly error: string;
}

/** One type. */
export interface TypeReport {
  readonly typeUrl: string;
  /** Version that was accepted last; kept over streams. */
  readonly version: string;
  /** Names that are asked for; `*` among them stands for everything. */
  readonly names: readonly string[];
  /** null: nothing came yet. */
  readonly received: ReceivedReport | null;
  /** The server was told what became of it; it hears so when all of it is in use. */
  readonly isAnswered: boolean;
}

/** How a source is spoken to. */
export type SourceVariant = 'sotw' | 'delta' | 'rest' | 'file';

/** A stream, or what is polled or read in its place. */
export interface StreamReport {
  /** The server's cluster or target, or the file. */
  readonly server: string;
  /** It carries every type. */
  readonly isAggregated: boolean;
  readonly variant: SourceVariant;
  readonly isConnected: boolean;
  /** What the server says it is; '' : nothing. */
  readonly controlPlane: string;
  readonly types: readonly TypeReport[];
}
