package match

// share is a Share, checked.
type share struct {
	quadratic bool
	most      *Ratio
}

func (c *checker) share(field string, t *Share) formula {
	c.word(field+".by", t.By, ByAmount, Quadratic)
	if t.Most != nil {
		c.fixed(field+".most", *t.Most)
	}
	c.rule.share = &share{t.By == Quadratic, t.Most}
	return nil
}
