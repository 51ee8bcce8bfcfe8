// Package updates keeps short posts about how a campaign or a project goes on (进展): what was done with the gifts, in the words of whoever did it.
//
// A post is written once and never changed. Another person shows it to the public; it is withdrawn with a reason that the public reads, and what
// was wrong is put right by a further post.
package updates
