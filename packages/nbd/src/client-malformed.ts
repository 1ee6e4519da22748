/** The server sent bytes that are no NBD. Who knows the URL makes an `NbdError` `protocol` of it. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}
