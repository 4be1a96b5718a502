// What OpenSSL has to say on material that it refuses: its code, never what it was given.

/** Short reason of an exception that node:crypto threw. */
export function errorReason(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  if (code === 'ERR_MISSING_PASSPHRASE' || code === 'ERR_OSSL_CRYPTO_INTERRUPTED_OR_CANCELLED') {
    return 'the key is encrypted and there is no password';
  }
  if (code === 'ERR_OSSL_BAD_DECRYPT' || code === 'ERR_OSSL_EVP_BAD_DECRYPT') {
    return 'BAD_DECRYPT: the password is wrong';
  }
  if (code === 'ERR_OSSL_UNSUPPORTED' || code === 'ERR_OSSL_PEM_NO_START_LINE') {
    return 'it is not a private key in PEM';
  }
  return message ?? String(code);
}
