/** What came is no QMP; the message says what it is instead. Who reads the wire makes a `QemuError` of it. */
export class QmpMalformed extends Error {
  override readonly name = "QmpMalformed";
}
