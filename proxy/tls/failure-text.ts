// Why TLS failed, in the words of Envoy's transport failure reasons. They carry numbers and names of
// another library: what OpenSSL calls the same is translated, the rest keeps its own name.

/** Number of the library «SSL», and of «system», where an error code has them. */
const SSL_LIBRARY = 16 * 2 ** 24;
const SYSTEM_LIBRARY = 2 * 2 ** 24;

/** The peer's certificate was refused; `detail` says why, in Envoy's words. */
export function verifyFailureText(detail: string): string {
  return reasonText('CERTIFICATE_VERIFY_FAILED', detail);
}

/** The name to ask for is longer than SNI can say. */
export const LONG_NAME_TEXT =
  'Failed to create upstream TLS due to failure setting SNI: error:100000d5:SSL routines:OPENSSL_internal:SSL3_EXT_INVALID_SERVERNAME';
/** Secrets that the context needs are not there. */
export const NOT_READY_TEXT = 'TLS error: Secret is not supplied by SDS';

/** The client's first message alone was enough to turn it away. */
export function rejectedText(): string {
  return reasonText('CONNECTION_REJECTED', '');
}

/** True when the peer was refused for want of a certificate. */
export function isMissingCertificate(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE';
}

/** True for errors of the TLS library, false for those of the system. */
export function isTlsError(error: NodeJS.ErrnoException): boolean {
  return error.code?.startsWith('ERR_SSL_') === true;
}

/** An error of a handshake. */
export function failureText(error: NodeJS.ErrnoException): string {
  if (isMissingCertificate(error)) return noCertificateText();
  if (isTlsError(error)) return reasonText(reasonName(error.code as string), '');
  if (error.code === 'ECONNRESET') return RESET_TEXT;
  return `TLS_error:|${error.message}:TLS_error_end`;
}

/** The peer showed no certificate and had to. */
function noCertificateText(): string {
  return reasonText(
    'PEER_DID_NOT_RETURN_A_CERTIFICATE',
    'peer did not provide required client certificate',
  );
}

const ECONNRESET = 104;
const RESET_TEXT = `TLS_error:|${SYSTEM_LIBRARY + ECONNRESET}:system library:OPENSSL_internal:Connection reset by peer:TLS_error_end`;

function reasonText(reason: string, detail: string): string {
  const code = SSL_LIBRARY + (REASON_CODES.get(reason) ?? 0);
  const behind = detail === '' ? '' : `:${detail}`;
  return `TLS_error:|${code}:SSL routines:OPENSSL_internal:${reason}${behind}:TLS_error_end`;
}

function reasonName(code: string): string {
  const name = code.slice('ERR_SSL_'.length);
  return RENAMED.get(name) ?? name;
}

/** Names that OpenSSL gives to the same failures. */
const RENAMED: ReadonlyMap<string, string> = new Map([
  ['TLSV13_ALERT_CERTIFICATE_REQUIRED', 'TLSV1_ALERT_CERTIFICATE_REQUIRED'],
  ['TLSV13_ALERT_MISSING_EXTENSION', 'TLSV1_ALERT_UNSUPPORTED_EXTENSION'],
  ['TLSV1_UNRECOGNIZED_NAME', 'TLSV1_ALERT_UNRECOGNIZED_NAME'],
  ['TLSV1_UNSUPPORTED_EXTENSION', 'TLSV1_ALERT_UNSUPPORTED_EXTENSION'],
  ['TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 'TLSV1_ALERT_NO_APPLICATION_PROTOCOL'],
  ['NO_SUITABLE_SIGNATURE_ALGORITHM', 'NO_COMMON_SIGNATURE_ALGORITHMS'],
  ['NO_SHARED_SIGNATURE_ALGORITHMS', 'NO_COMMON_SIGNATURE_ALGORITHMS'],
  ['NO_SUITABLE_KEY_SHARE', 'NO_SHARED_GROUP'],
  ['NO_SHARED_GROUPS', 'NO_SHARED_GROUP'],
  ['BAD_EXTENSION', 'ERROR_PARSING_EXTENSION'],
  ['PACKET_LENGTH_TOO_LONG', 'DATA_LENGTH_TOO_LONG'],
  ['BAD_RECORD_TYPE', 'UNEXPECTED_RECORD'],
  ['DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 'DECRYPTION_FAILED_OR_BAD_RECORD_MAC'],
]);

/** Numbers of reasons: SSL_R_… of Envoy's library. */
const REASON_CODES: ReadonlyMap<string, number> = new Map([
  ['BAD_ALERT', 102],
  ['BAD_CHANGE_CIPHER_SPEC', 103],
  ['BAD_ECC_CERT', 107],
  ['BAD_ECPOINT', 108],
  ['BAD_LENGTH', 111],
  ['BAD_PACKET_LENGTH', 112],
  ['BAD_SIGNATURE', 114],
  ['CCS_RECEIVED_EARLY', 124],
  ['CERTIFICATE_VERIFY_FAILED', 125],
  ['CERT_LENGTH_MISMATCH', 127],
  ['CONNECTION_REJECTED', 133],
  ['DATA_LENGTH_TOO_LONG', 136],
  ['DECODE_ERROR', 137],
  ['DECRYPTION_FAILED', 138],
  ['DECRYPTION_FAILED_OR_BAD_RECORD_MAC', 139],
  ['DIGEST_CHECK_FAILED', 142],
  ['ENCRYPTED_LENGTH_TOO_LONG', 146],
  ['ERROR_PARSING_EXTENSION', 149],
  ['EXCESSIVE_MESSAGE_SIZE', 150],
  ['HTTPS_PROXY_REQUEST', 155],
  ['HTTP_REQUEST', 156],
  ['INAPPROPRIATE_FALLBACK', 157],
  ['LENGTH_MISMATCH', 162],
  ['MISSING_EXTENSION', 164],
  ['NO_CERTIFICATES_RETURNED', 172],
  ['NO_CERTIFICATE_SET', 174],
  ['NO_CIPHERS_AVAILABLE', 175],
  ['NO_COMPRESSION_SPECIFIED', 178],
  ['NO_RENEGOTIATION', 182],
  ['NO_SHARED_CIPHER', 184],
  ['PEER_DID_NOT_RETURN_A_CERTIFICATE', 192],
  ['PROTOCOL_IS_SHUTDOWN', 194],
  ['RENEGOTIATION_MISMATCH', 202],
  ['SSL_HANDSHAKE_FAILURE', 215],
  ['TOO_MANY_WARNING_ALERTS', 220],
  ['UNEXPECTED_EXTENSION', 222],
  ['UNEXPECTED_MESSAGE', 223],
  ['UNEXPECTED_RECORD', 225],
  ['UNKNOWN_ALERT_TYPE', 227],
  ['UNKNOWN_CIPHER_RETURNED', 229],
  ['UNKNOWN_PROTOCOL', 233],
  ['UNSAFE_LEGACY_RENEGOTIATION_DISABLED', 236],
  ['UNSUPPORTED_COMPRESSION_ALGORITHM', 238],
  ['UNSUPPORTED_ELLIPTIC_CURVE', 239],
  ['UNSUPPORTED_PROTOCOL', 240],
  ['WRONG_CERTIFICATE_TYPE', 241],
  ['WRONG_CIPHER_RETURNED', 242],
  ['WRONG_CURVE', 243],
  ['WRONG_SIGNATURE_TYPE', 245],
  ['WRONG_SSL_VERSION', 246],
  ['WRONG_VERSION_NUMBER', 247],
  ['NO_COMMON_SIGNATURE_ALGORITHMS', 253],
  ['TOO_MANY_KEY_UPDATES', 260],
  ['NO_SHARED_GROUP', 266],
  ['SSLV3_ALERT_CLOSE_NOTIFY', 1000],
  ['SSLV3_ALERT_UNEXPECTED_MESSAGE', 1010],
  ['SSLV3_ALERT_BAD_RECORD_MAC', 1020],
  ['TLSV1_ALERT_DECRYPTION_FAILED', 1021],
  ['TLSV1_ALERT_RECORD_OVERFLOW', 1022],
  ['SSLV3_ALERT_DECOMPRESSION_FAILURE', 1030],
  ['SSLV3_ALERT_HANDSHAKE_FAILURE', 1040],
  ['SSLV3_ALERT_NO_CERTIFICATE', 1041],
  ['SSLV3_ALERT_BAD_CERTIFICATE', 1042],
  ['SSLV3_ALERT_UNSUPPORTED_CERTIFICATE', 1043],
  ['SSLV3_ALERT_CERTIFICATE_REVOKED', 1044],
  ['SSLV3_ALERT_CERTIFICATE_EXPIRED', 1045],
  ['SSLV3_ALERT_CERTIFICATE_UNKNOWN', 1046],
  ['SSLV3_ALERT_ILLEGAL_PARAMETER', 1047],
  ['TLSV1_ALERT_UNKNOWN_CA', 1048],
  ['TLSV1_ALERT_ACCESS_DENIED', 1049],
  ['TLSV1_ALERT_DECODE_ERROR', 1050],
  ['TLSV1_ALERT_DECRYPT_ERROR', 1051],
  ['TLSV1_ALERT_PROTOCOL_VERSION', 1070],
  ['TLSV1_ALERT_INSUFFICIENT_SECURITY', 1071],
  ['TLSV1_ALERT_INTERNAL_ERROR', 1080],
  ['TLSV1_ALERT_INAPPROPRIATE_FALLBACK', 1086],
  ['TLSV1_ALERT_USER_CANCELLED', 1090],
  ['TLSV1_ALERT_NO_RENEGOTIATION', 1100],
  ['TLSV1_ALERT_UNSUPPORTED_EXTENSION', 1110],
  ['TLSV1_ALERT_UNRECOGNIZED_NAME', 1112],
  ['TLSV1_ALERT_BAD_CERTIFICATE_STATUS_RESPONSE', 1113],
  ['TLSV1_ALERT_UNKNOWN_PSK_IDENTITY', 1115],
  ['TLSV1_ALERT_CERTIFICATE_REQUIRED', 1116],
  ['TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 1120],
]);
