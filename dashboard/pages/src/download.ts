/** Let the browser save a text as a file. */
export function download(name: string, text: string, type = "text/csv;charset=utf-8"): void {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The click only starts the download: the address must live a little longer.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
