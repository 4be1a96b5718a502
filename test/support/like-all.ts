// Texts compared with patterns in which `*` stands for anything.

/** True when there are as many texts as patterns, and each is like its own. */
export function likeAll(texts: readonly string[], patterns: readonly string[]): boolean {
  return (
    texts.length === patterns.length &&
    patterns.every((pattern, index) => isLike(texts[index] as string, pattern))
  );
}

function isLike(text: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
}
