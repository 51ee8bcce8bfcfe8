// Package platforms reads the files of giving platforms (公益平台): gifts that a platform took in and pays out later, and the
// match that its foundation promises for them. A gift is on the books at once, as a receivable from the platform (1122.01);
// match is a memo until it is paid (E21 to E23). What a settlement leaves open stands there until it is paid or given a reason.
package platforms
