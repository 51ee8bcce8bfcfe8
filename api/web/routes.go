package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sunfund/ledger/staff"
)

// route is one address, what it needs, and who answers. An empty permission with open set is for anybody.
type route struct {
	method string
	path   string
	open   bool
	needs  staff.Permission
	answer handler
}

// headed tells whether HEAD answers like GET without a body. Streams have no end, and going to an issuer and back uses
// something up.
func (r route) headed() bool {
	return !strings.HasSuffix(r.path, "/live") && !strings.HasSuffix(r.path, "/issuer") && r.path != "/console/sign-in/return"
}

// routes is every page there is.
func (s *Server) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		// public
		{get, "/", true, "", (*visit).home},
		{get, "/campaigns", true, "", (*visit).campaignList},
		{get, "/c/:slug", true, "", (*visit).campaignShow},
		{get, "/c/:slug/live", true, "", (*visit).campaignLive},
		{get, "/c/:slug/widget", true, "", (*visit).widgetShow},
		{get, "/c/:slug/give", true, "", (*visit).giftForm},
		{post, "/c/:slug/give", true, "", (*visit).giftCreate},
		{get, "/sandbox/:session", true, "", (*visit).sandboxShow},
		{post, "/sandbox/:session", true, "", (*visit).sandboxDecide},
		{get, "/g/:ref", true, "", counted((*visit).giftShow)},
		{get, "/g/:ref/live", true, "", counted((*visit).giftLive)},
		{get, "/g/:ref/refund", true, "", (*visit).refundAsk},
		{post, "/g/:ref/refund", true, "", (*visit).refundAsked},
		{get, "/g/:ref/receipt", true, "", counted((*visit).giftReceipt)},
		{post, "/g/:ref/receipt", true, "", counted((*visit).receiptRequest)},
		{get, "/g/:ref/receipt/pdf", true, "", counted((*visit).receiptPDF)},
		{post, "/g/:ref/receipt/mail", true, "", counted((*visit).receiptMail)},
		{get, "/g/:ref/team", true, "", counted((*visit).teamForm)},
		{post, "/g/:ref/team", true, "", counted((*visit).teamStart)},
		{get, "/t/:code", true, "", (*visit).teamShow},
		{get, "/t/:code/poster", true, "", (*visit).teamPoster},
		{post, "/t/:code/flower", true, "", (*visit).teamFlower},
		{get, "/c/:slug/teams", true, "", (*visit).teamList},
		{get, "/days/:code", true, "", (*visit).dayShow},
		{get, "/days/:code/live", true, "", (*visit).dayLive},
		{get, ownPath, true, "", (*visit).ownShow},
		{post, ownPath + "/sign-in", true, "", (*visit).ownAsk},
		{get, ownPath + "/asked", true, "", (*visit).ownAsked},
		{get, ownPath + "/in/:token", true, "", counted((*visit).ownLink)},
		{post, ownPath + "/in/:token", true, "", counted((*visit).ownSignIn)},
		{post, ownPath + "/sign-out", true, "", (*visit).ownSignOut},
		{post, ownPath + "/name", true, "", owned((*visit).ownName)},
		{get, ownPath + "/statement", true, "", owned((*visit).ownStatement)},
		{get, ownPath + "/record", true, "", owned((*visit).ownRecord)},
		{get, ownPath + "/erase", true, "", owned((*visit).ownEraseForm)},
		{post, ownPath + "/erase", true, "", owned((*visit).ownErase)},
		{get, "/plan/:ref", true, "", counted((*visit).planShow)},
		{post, "/plan/:ref", true, "", counted((*visit).planChange)},
		{get, "/verify", true, "", counted((*visit).receiptVerify)},
		{get, matchPublicPath + "/:event", true, "", (*visit).matchPublic},
		{get, matchPublicPath + "/:event/recompute", true, "", (*visit).matchRecompute},
		{get, matchPublicPath + "/:event/replay", true, "", (*visit).matchReplay},
		{get, matchPublicPath + "/:event/rule", true, "", (*visit).matchRuleFile},
		{get, "/f/:code", true, "", (*visit).fundPublic},
		{get, "/funds", true, "", (*visit).fundPublicList},
		{get, "/about", true, "", (*visit).about},

		// console
		{get, "/console/sign-in", true, "", (*visit).signInForm},
		{post, "/console/sign-in", true, "", (*visit).signIn},
		{get, "/console/sign-in/issuer", true, "", (*visit).signInIssuer},
		{get, "/console/sign-in/return", true, "", (*visit).issuerReturn},
		{post, "/console/sign-in/passkey", true, "", (*visit).signInPasskey},
		{post, "/console/sign-in/passkey/options", true, "", (*visit).signInPasskeyOptions},
		{post, "/console/confirm", false, signedIn, fresh((*visit).confirm)},
		{get, "/console/confirm/issuer", false, signedIn, (*visit).confirmIssuer},
		{post, "/console/confirm/passkey/options", false, signedIn, (*visit).confirmPasskeyOptions},
		{post, "/console/sign-out", false, signedIn, (*visit).signOut},
		{get, "/console/me", false, signedIn, (*visit).meShow},
		{post, "/console/me/sessions", false, signedIn, (*visit).sessionEnd},
		{post, "/console/me/language", false, signedIn, (*visit).languageSet},
		{post, "/console/me/password", false, signedIn, fresh((*visit).passwordSet)},
		{get, "/console/me/factor", false, signedIn, fresh((*visit).factorForm)},
		{post, "/console/me/factor", false, signedIn, fresh((*visit).factorSet)},
		{post, "/console/me/factor/remove", false, signedIn, fresh((*visit).factorRemove)},
		{post, "/console/me/passkeys", false, signedIn, fresh((*visit).passkeyAdd)},
		{post, "/console/me/passkeys/options", false, signedIn, (*visit).passkeyAddOptions},
		{post, "/console/me/passkeys/remove", false, signedIn, fresh((*visit).passkeyRemove)},
		{post, "/console/me/recovery", false, signedIn, fresh((*visit).recoverySet)},
		{get, "/console/me/issuer", false, signedIn, fresh((*visit).issuerLink)},
		{post, "/console/me/issuer/remove", false, signedIn, fresh((*visit).issuerUnlink)},
		{get, "/console", false, signedIn, (*visit).today},
		{get, "/console/search", false, signedIn, (*visit).search},
		{get, "/console/funds", false, staff.FundRead, (*visit).fundList},
		{get, "/console/funds/new", false, staff.FundWrite, (*visit).fundForm},
		{post, "/console/funds", false, staff.FundWrite, (*visit).fundCreate},
		{get, "/console/funds/:id", false, staff.FundRead, (*visit).fundShow},
		{get, "/console/entries", false, staff.EntryRead, (*visit).entryList},
		{get, "/console/entries/:id", false, staff.EntryRead, (*visit).entryShow},
		{post, "/console/entries/:id/reverse", false, staff.EntryDraft, (*visit).entryReverse},
		{get, "/console/vouchers/new", false, staff.EntryDraft, (*visit).voucherForm},
		{post, "/console/vouchers", false, staff.EntryDraft, (*visit).voucherCreate},
		{get, "/console/approvals", false, staff.RequestRead, (*visit).approvalList},
		{get, "/console/approvals/:id", false, staff.RequestRead, (*visit).approvalShow},
		{post, "/console/approvals/:id", false, staff.RequestRead, fresh((*visit).approvalDecide)},
		{get, "/console/trial-balance", false, staff.ReportRead, (*visit).trialBalance},
		{get, "/console/accounts", false, staff.EntryRead, (*visit).accountList},
		{get, "/console/accounts/:id", false, staff.EntryRead, (*visit).accountShow},
		{get, "/console/campaigns", false, staff.CampaignRead, (*visit).campaignManage},
		{get, "/console/campaigns/new", false, staff.CampaignWrite, (*visit).campaignNew},
		{post, "/console/campaigns", false, staff.CampaignWrite, (*visit).campaignCreate},
		{get, "/console/campaigns/:id", false, staff.CampaignRead, (*visit).campaignDesk},
		{get, "/console/campaigns/:id/edit", false, staff.CampaignWrite, (*visit).campaignEditForm},
		{post, "/console/campaigns/:id", false, staff.CampaignWrite, (*visit).campaignChange},
		{get, "/console/gifts", false, staff.GiftRead, (*visit).giftList},
		{get, "/console/payments", false, staff.GiftRead, (*visit).paymentList},
		{post, "/console/payments", false, staff.GiftWrite, (*visit).paymentAgain},
		{get, "/console/gifts/:id/refund", false, staff.GiftWrite, (*visit).refundForm},
		{post, "/console/gifts/:id/refund", false, staff.GiftWrite, (*visit).refundCreate},
		{post, "/console/gifts/:id/refund/decline", false, staff.GiftWrite, (*visit).refundDecline},
		{get, teamsPath, false, staff.CampaignRead, (*visit).teamManage},
		{post, teamsPath, false, staff.CampaignWrite, (*visit).teamStep},
		{get, widgetPath, false, staff.CampaignWrite, (*visit).widgetList},
		{post, widgetPath, false, staff.CampaignWrite, (*visit).widgetAllow},
		{post, widgetPath + "/remove", false, staff.CampaignWrite, (*visit).widgetRemove},
		{get, "/console/offline", false, staff.OfflineRead, (*visit).offlineShow},
		{get, "/console/bank-receipts", false, staff.OfflineRead, (*visit).bankReceiptList},
		{post, "/console/bank-receipts", false, staff.OfflineWrite, (*visit).bankReceiptCreate},
		{get, "/console/bank-receipts/:id", false, staff.OfflineRead, (*visit).bankReceiptShow},
		{post, "/console/bank-receipts/:id", false, staff.OfflineWrite, (*visit).bankReceiptStep},
		{get, "/console/cash", false, staff.OfflineRead, (*visit).cashList},
		{post, "/console/cash", false, staff.CashCount, (*visit).cashCreate},
		{get, "/console/cash/:id", false, staff.OfflineRead, (*visit).cashShow},
		{post, "/console/cash/:id", false, staff.CashCount, (*visit).cashStep},
		{get, "/console/deposits/:id", false, staff.OfflineRead, (*visit).depositShow},
		{post, "/console/deposits/:id", false, staff.CashCount, (*visit).depositStep},
		{get, "/console/boxes", false, staff.OfflineRead, (*visit).boxList},
		{post, "/console/boxes", false, staff.OfflineWrite, (*visit).boxCreate},
		{get, "/console/boxes/:id", false, staff.OfflineRead, (*visit).boxShow},
		{post, "/console/boxes/:id", false, staff.CashCount, (*visit).boxStep},
		{get, "/console/goods", false, staff.OfflineRead, (*visit).lotList},
		{post, "/console/goods", false, staff.OfflineWrite, (*visit).lotCreate},
		{get, "/console/goods/:id", false, staff.OfflineRead, (*visit).lotShow},
		{post, "/console/goods/:id", false, staff.OfflineWrite, (*visit).lotStep},
		{get, "/console/auctions/:id", false, staff.OfflineRead, (*visit).auctionShow},
		{post, "/console/auctions/:id", false, staff.OfflineWrite, (*visit).auctionStep},
		{get, "/console/pledges", false, staff.OfflineRead, (*visit).pledgeList},
		{post, "/console/pledges", false, staff.OfflineWrite, (*visit).pledgeCreate},
		{get, "/console/pledges/:id", false, staff.OfflineRead, (*visit).pledgeShow},
		{post, "/console/pledges/:id", false, staff.OfflineWrite, (*visit).pledgeStep},
		{get, "/console/services", false, staff.OfflineRead, (*visit).serviceList},
		{post, "/console/services", false, staff.OfflineWrite, (*visit).serviceCreate},
		{get, "/console/services/:id", false, staff.OfflineRead, (*visit).serviceShow},
		{post, "/console/services/:id", false, staff.OfflineWrite, (*visit).serviceStep},
		{get, statementsPath, false, staff.OfflineRead, (*visit).statementList},
		{post, statementsPath, false, staff.OfflineWrite, (*visit).statementAdd},
		{get, statementsPath + "/:id", false, staff.OfflineRead, (*visit).statementShow},
		{post, statementUploadPath, false, staff.OfflineWrite, (*visit).statementUpload},
		{get, statementFilesPath + "/:id", false, staff.OfflineRead, (*visit).statementFile},
		{post, statementFilesPath + "/:id", false, staff.OfflineWrite, (*visit).statementStep},
		{get, statementFilesPath + "/:id/profile", false, staff.OfflineWrite, (*visit).statementProfile},
		{post, statementFilesPath + "/:id/profile", false, staff.OfflineWrite, (*visit).statementProfileSave},
		{get, platformsPath, false, staff.OfflineRead, (*visit).platformList},
		{post, platformUploadPath, false, staff.OfflineWrite, (*visit).platformUpload},
		{post, platformPolicyPath, false, staff.OfflineWrite, (*visit).platformPolicy},
		{get, platformsPath + "/:id", false, staff.OfflineRead, (*visit).platformShow},
		{get, platformsPath + "/:id/live", false, staff.OfflineRead, (*visit).platformLive},
		{post, platformsPath + "/:id", false, staff.OfflineWrite, (*visit).platformStep},
		{get, platformsPath + "/:id/faults", false, staff.OfflineRead, (*visit).platformFaults},
		{get, platformsPath + "/:id/profile", false, staff.OfflineWrite, (*visit).platformProfile},
		{post, platformsPath + "/:id/profile", false, staff.OfflineWrite, (*visit).platformProfileSave},
		{get, matchPath, false, staff.CampaignRead, (*visit).matchList},
		{post, matchPath, false, staff.CampaignWrite, (*visit).matchCreate},
		{get, matchPath + "/:event", false, staff.CampaignRead, (*visit).matchShow},
		{post, matchPath + "/:event", false, staff.CampaignWrite, (*visit).matchStep},
		{get, matchPath + "/:event/rule", false, staff.CampaignWrite, (*visit).matchRule},
		{post, matchPath + "/:event/rule", false, staff.CampaignWrite, (*visit).matchRuleStep},
		{get, subsidiesPath, false, staff.SubsidyRead, (*visit).letterList},
		{get, subsidiesPath + "/new", false, staff.SubsidyEnter, (*visit).letterForm},
		{post, subsidiesPath, false, staff.SubsidyEnter, (*visit).letterCreate},
		{get, subsidiesPath + "/:id", false, staff.SubsidyRead, (*visit).letterShow},
		{post, subsidiesPath + "/:id", false, staff.SubsidyEnter, (*visit).letterStep},
		{get, subsidiesPath + "/:id/notice", false, staff.SubsidyRead, (*visit).letterNotice},
		{get, claimsPath + "/:id", false, staff.SubsidyRead, (*visit).claimShow},
		{post, claimsPath + "/:id", false, staff.SubsidyEnter, fresh((*visit).claimStep)},
		{post, papersPath, false, staff.PaperAdd, (*visit).paperAdd},
		{get, papersPath + "/:id", false, staff.PaperRead, (*visit).paperShow},
		{get, "/console/receipts", false, staff.GiftRead, (*visit).receiptList},
		{get, "/console/receipts/:id", false, staff.GiftRead, (*visit).receiptShow},
		{get, "/console/receipts/:id/pdf", false, staff.GiftRead, (*visit).receiptFilePDF},
		{post, "/console/receipts/:id/void", false, staff.GiftWrite, (*visit).receiptVoid},
		{post, "/console/receipts/:id/replace", false, staff.GiftWrite, (*visit).receiptReplace},
		{post, "/console/receipt-ranges", false, staff.GiftWrite, (*visit).receiptRange},
		{post, "/console/receipt-batches", false, staff.GiftWrite, (*visit).receiptBatch},
		{post, "/console/receipt-batches/resume", false, staff.GiftWrite, (*visit).receiptResume},
		{get, "/console/receipt-batches/:id", false, staff.GiftRead, (*visit).receiptBatchShow},
		{post, "/console/receipt-batches/:id/mail", false, staff.GiftWrite, (*visit).receiptBatchMail},
		{get, "/console/donors/:id", false, staff.DonorRead, fresh((*visit).donorShow)},
		{get, "/console/donors/:id/record", false, staff.DonorRead, fresh((*visit).donorExport)},
		{get, "/console/donors/:id/erase", false, staff.DonorErase, fresh((*visit).donorEraseForm)},
		{post, "/console/donors/:id/erase", false, staff.DonorErase, fresh((*visit).donorErase)},
		{get, "/console/transfers/new", false, staff.EntryDraft, (*visit).transferForm},
		{post, "/console/transfers", false, staff.EntryDraft, (*visit).transferCreate},
		{get, "/console/periods", false, staff.ReportRead, (*visit).periodList},
		{post, "/console/periods", false, staff.EntryDraft, (*visit).periodReopen},
		{post, "/console/periods/close", false, staff.EntryDraft, (*visit).periodClose},
		{get, monthPath, false, staff.OfflineRead, (*visit).monthShow},
		{post, monthPath, false, staff.EntryDraft, (*visit).monthAsk},
		{get, yearsPath, false, staff.OfflineRead, (*visit).yearShow},
		{post, yearsPath, false, staff.EntryDraft, (*visit).yearAsk},
		{get, checksPath, false, staff.OfflineRead, (*visit).checkList},
		{post, checksPath, false, staff.EntryDraft, (*visit).checkRun},
		{get, "/console/streets", false, staff.FundWrite, (*visit).streetList},
		{post, "/console/streets", false, staff.FundWrite, (*visit).streetCreate},
		{post, "/console/streets/rename", false, staff.FundWrite, (*visit).streetRename},
		{get, ratesPath, false, staff.FundWrite, (*visit).rateList},
		{post, ratesPath, false, staff.FundWrite, (*visit).rateEnter},
		{get, jobsPath, false, staff.JobRead, (*visit).jobList},
		{post, jobsPath, false, staff.JobRun, (*visit).jobRun},
		{get, jobHistoryPath, false, staff.JobRead, (*visit).jobHistory},
		{get, "/console/audit", false, staff.AuditRead, (*visit).auditList},
		{get, mailboxPath, false, signedIn, (*visit).mailbox},
		{get, "/console/settings", false, staff.SettingRead, (*visit).settingShow},
		{post, "/console/settings/rules", false, staff.SettingAsk, fresh((*visit).ruleAdd)},
		{get, giftRulesPath, false, staff.SettingRead, (*visit).giftRules},
		{post, giftRulesPath, false, staff.SettingAsk, fresh((*visit).giftRulesSet)},
		{get, "/console/settings/rules/:id", false, staff.SettingRead, (*visit).ruleShow},
		{post, "/console/settings/rules/:id", false, staff.SettingAsk, fresh((*visit).ruleChange)},
		{post, "/console/settings/sign-in", false, staff.SettingAsk, fresh((*visit).signInSettings)},
		{get, "/console/people", false, staff.PeopleRead, (*visit).peopleList},
		{post, "/console/people", false, staff.PeopleAdmin, fresh((*visit).personCreate)},
		{get, "/console/people/:id", false, staff.PeopleRead, (*visit).personShow},
		{post, "/console/people/:id", false, staff.PeopleAdmin, fresh((*visit).personChange)},
		{post, "/console/people/:id/roles", false, staff.RoleRequest, fresh((*visit).roleRequest)},
		{get, "/console/keys", false, staff.KeyAdmin, (*visit).keyList},
		{post, "/console/keys", false, staff.KeyAdmin, fresh((*visit).keyCreate)},
		{post, "/console/keys/rotate", false, staff.KeyAdmin, fresh((*visit).keyRotate)},
		{post, "/console/keys/revoke", false, staff.KeyAdmin, fresh((*visit).keyRevoke)},
	}
}

// Register puts the pages on e. Webhooks and the API are registered elsewhere, outside of the cross-origin guard.
func (s *Server) Register(e *echo.Echo) error {
	guard, err := CrossOrigin(s.Origins...)
	if err != nil {
		return err
	}
	g := e.Group("", Headers, Language, guard, LimitForms, Legible)
	g.GET("/static/:hash/:name", Static)
	g.POST(PrefsPath, SetPrefs)
	for _, r := range s.routes() {
		h := s.needs(r.needs, r.answer)
		if r.open {
			h = s.open(r.answer)
		}
		g.Add(r.method, r.path, h)
		if r.method == http.MethodGet && r.headed() {
			g.Add(http.MethodHead, r.path, h) // the server leaves the body out
		}
	}
	return nil
}
