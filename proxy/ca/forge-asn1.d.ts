// The part of node-forge that der.ts needs; the package brings no types of its own.
declare module 'node-forge/lib/asn1.js' {
  interface Bytes {
    getBytes(): string;
  }
  interface Node {
    readonly tagClass: number;
  }
  interface Asn1 {
    readonly Class: { readonly UNIVERSAL: number; readonly CONTEXT_SPECIFIC: number };
    create(tagClass: number, type: number, isConstructed: boolean, value: string | Node[]): Node;
    toDer(node: Node): Bytes;
    fromDer(bytes: string, options: { readonly decodeBitStrings: boolean }): Node;
    oidToDer(dotted: string): Bytes;
    dateToUtcTime(date: Date): string;
    dateToGeneralizedTime(date: Date): string;
  }
  const asn1: Asn1;
  export = asn1;
}
