// Package calls keeps what stands between a need and a project: a call with its budget by source (征集), the proposals of organisations with
// their itemised budgets (申报), the check of who may apply, the review by several people who declare their conflicts (评审), the ranking with
// its published tie-break, the public notice with its objections (公示), and the award, which makes the project.
//
// What decides is fixed when a call is published. Points are hundredths of a point, amounts minor units of the book's currency.
package calls
