package recon

// propose offers what is left of an amount together; sums and near numbers follow in propose_more.
func (r *run) propose() error {
	if err := r.do(sqlBankPropose, sweepDays); err != nil {
		return err
	}
	for _, sql := range []string{sqlBankGoneLines, sqlBankGoneOurs} {
		if err := r.do(sql); err != nil {
			return err
		}
	}
	return nil
}
