import { mountReceiverForm } from "./receiver-form.ts";

const [form, output] = [document.querySelector("form"), document.querySelector("output")];
if (form && output) mountReceiverForm(form, output);
