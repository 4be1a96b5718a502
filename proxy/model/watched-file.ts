// Files of a configuration that are read again when they change: DataSource.watched_directory.

/** Which file, and where its changes show. */
export interface WatchedFileConfig {
  readonly path: string;
  /** Changes in it make the file be read again: of a ConfigMap, a link in it is swapped. */
  readonly directory: string;
  /** More than this is not taken over. */
  readonly maxBytes: number;
}

/** A file's latest content. */
export interface WatchedText {
  readonly text: string;
  /** Once, by whoever opened it: nobody there reads it any more. */
  close(): void;
}

/** Watches files for whoever only wants to know what they say. */
export interface WatchedFiles {
  /** Begins to watch. The text is `initial` until the file says something else that can be used. */
  open(file: WatchedFileConfig, initial: string): WatchedText;
}

/** Where nothing is watched: the text stays what it was. */
export const UNWATCHED: WatchedFiles = Object.freeze({
  open: (_file: WatchedFileConfig, initial: string) => ({ text: initial, close: () => undefined }),
});
