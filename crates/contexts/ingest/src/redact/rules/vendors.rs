//! Tokens that tell by their beginning who gave them out, in the forms that their vendors document.

/// A rule's name, its triggers, and its pattern, of which the group `s` is the secret if there is one.
pub(super) type Vendor = (&'static str, &'static [&'static str], &'static str);

/// In the order in which they are applied.
pub(super) const VENDORS: &[Vendor] = &[
    // Cloud providers.
    (
        "aws_key",
        &["akia", "asia", "abia", "acca", "amzn.mws.", "absk"],
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b|\bamzn\.mws\.[0-9a-f]{8}-[0-9a-f-]{27}|\bABSK[A-Za-z0-9+/]{40,}={0,2}",
    ),
    (
        "google_key",
        &["aiza", "ya29.", "1//0", "gocspx-"],
        r"\bAIza[0-9A-Za-z_-]{35}|\bya29\.[0-9A-Za-z._-]{20,}|\b1//0[0-9A-Za-z_-]{30,}|\bGOCSPX-[0-9A-Za-z_-]{20,}",
    ),
    // Client secrets of Entra ID, keys of storage and messaging accounts with their check marks, Azure DevOps.
    (
        "azure_key",
        &[
            "q~", "azdo", "+ast", "+amc", "acdb", "+arm", "+aba", "+aeh", "+asb", "+aio", "aiot",
            "azse", "azfu", "azca",
        ],
        r"(?P<s>[A-Za-z0-9_.~-]{3}[0-9]Q~[A-Za-z0-9_.~-]{31,34})|\b[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}\b|\b[A-Za-z0-9+/]{76}(?:\+ASt|\+AMC|ACDb|\+ABa)[A-Za-z0-9+/]{5}[AQgw]==|\b[A-Za-z0-9+/]{33}(?:\+ARm|\+AEh|\+ASb|\+AIo|AIoT)[A-Za-z0-9+/]{5}[A-P]=|\b[A-Za-z0-9]{42}AzSe[A-D][A-Za-z0-9]{5}\b|\b[A-Za-z0-9_-]{44}AzFu[A-Za-z0-9_-]{5}[AQgw]==|\b[A-Za-z0-9+/]{42}AzCa[A-Za-z0-9+/]{5,6}={0,2}",
    ),
    ("digitalocean_token", &["_v1_"], r"\bdo[opr]_v1_[A-Za-z0-9]{16,}"),
    (
        "cloud_token",
        &[
            "hrku-",
            "sbp_",
            "pscale_",
            "flyv1 ",
            "fo1_",
            "nfp_",
            "v1.0-",
            "dapi",
            "dp.pt.",
            "dp.st.",
            "dp.ct.",
            "dp.sa.",
            "dp.scim.",
            "dp.audit.",
            "rnd_",
            "ltai",
        ],
        r"\bHRKU-[A-Za-z0-9_-]{36,}|\bsbp_(?:v0_)?[0-9a-f]{40}|\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=-]{32,}|\bFlyV1 (?P<s>fm[0-9][a-z]?_[A-Za-z0-9+/=,_-]{40,})|\bfo1_[A-Za-z0-9_-]{40,}|\bnfp_[A-Za-z0-9]{36,}|\bv1\.0-[0-9a-f]{24}-[0-9a-f]{100,}|\bdapi[0-9a-f]{32}(?:-[0-9])?|\bdp\.(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}|\brnd_[A-Za-z0-9]{28,}|\bLTAI[A-Za-z0-9]{12,20}\b",
    ),
    // Code and packages.
    (
        "github_token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"],
        r"\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{22,255})",
    ),
    (
        "gitlab_token",
        &[
            "glpat-",
            "gldt-",
            "glrt-",
            "glrtr-",
            "glptt-",
            "glcbt-",
            "glsoat-",
            "glft-",
            "glffct-",
            "glimt-",
            "glagent-",
            "gloas-",
            "gr1348941",
        ],
        r"\b(?:gl(?:pat|dt|rtr?|ptt|cbt|soat|ft|ffct|imt|agent|oas)-[A-Za-z0-9_.-]{20,}|GR1348941[A-Za-z0-9_-]{20,})",
    ),
    (
        "atlassian_token",
        &["atatt3", "atctt3", "atbb"],
        r"\b(?:AT[AC]TT3[A-Za-z0-9_=-]{50,}|ATBB[A-Za-z0-9]{28,})",
    ),
    ("npm_token", &["npm_"], r"\bnpm_[A-Za-z0-9]{30,}"),
    ("pypi_token", &["pypi-"], r"\bpypi-[A-Za-z0-9_-]{50,}"),
    (
        "package_token",
        &["rubygems_", "dckr_pat_", "dckr_oat_", "akcp", "cmvmdgtu", "oy2", "cio", "ops_eyj"],
        r"\brubygems_[0-9a-f]{40,}|\bdckr_[po]at_[A-Za-z0-9_-]{24,}|\bAKCp[A-Za-z0-9]{60,}|\bcmVmdGtu[A-Za-z0-9]{40,}|\boy2[a-z0-9]{43}\b|\bcio[A-Za-z0-9]{32}\b|\bops_eyJ[A-Za-z0-9+/=_-]{100,}",
    ),
    // Messages and mail.
    (
        "slack_token",
        &["xox", "xapp-", "hooks.slack.com"],
        r"\bxox[a-z](?:\.xox[a-z])?-[A-Za-z0-9%-]{10,}|\bxapp-[A-Za-z0-9-]{10,}|hooks\.slack\.com/(?:services|workflows|triggers)/(?P<s>[A-Za-z0-9/_-]+)",
    ),
    (
        "chat_token",
        &["/api/webhooks/", "webhook.office.com", ":aa"],
        r"discord(?:app)?\.com/api/webhooks/(?P<s>[0-9]+/[A-Za-z0-9_-]+)|\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}|webhook\.office\.com/webhookb2/[A-Za-z0-9/@_-]+",
    ),
    ("sendgrid_key", &["sg."], r"\bSG\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    (
        "mail_key",
        &["key-", "-us", "xkeysib-", "xsmtpsib-", "pubkey-"],
        r"\b(?:pub)?key-[0-9a-f]{32}\b|\b[0-9a-f]{32}-us[0-9]{1,2}\b|\bx(?:key|smtp)sib-[0-9a-f]{64}-[A-Za-z0-9]{16}",
    ),
    (
        "twilio_key",
        &[
            "sk0", "sk1", "sk2", "sk3", "sk4", "sk5", "sk6", "sk7", "sk8", "sk9", "ska", "skb",
            "skc", "skd", "ske", "skf",
        ],
        r"\bSK[0-9a-f]{32}\b",
    ),
    // Money.
    (
        "stripe_key",
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"],
        r"\b(?:[sr]k_(?:live|test)_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z+/=]{16,})",
    ),
    (
        "payment_key",
        &[
            "shpat_",
            "shpca_",
            "shppa_",
            "shpss_",
            "sq0",
            "eaaa",
            "access_token$",
            "rzp_",
            "flwseck",
        ],
        r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|\bsq0(?:atp|csp|idp)-[0-9A-Za-z_-]{22,}|\bEAAA[A-Za-z0-9_-]{56,}|\baccess_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}|\brzp_(?:live|test)_[A-Za-z0-9]{14,}|\bFLWSECK(?:_TEST)?-[0-9a-zA-Z]{12,}(?:-X)?",
    ),
    // Models.
    (
        "ai_key",
        &["sk-", "gsk_", "r8_", "pplx-", "xai-", "t3blbkfj"],
        r"\bsk-(?:(?:proj|svcacct|admin|ant|or|live|test)-[A-Za-z0-9_-]{8,}|[A-Za-z0-9]{32,})|\bgsk_[A-Za-z0-9]{40,}|\br8_[A-Za-z0-9]{37}|\bpplx-[A-Za-z0-9]{40,}|\bxai-[A-Za-z0-9]{60,}|\b[A-Za-z0-9_-]{16,}T3BlbkFJ[A-Za-z0-9_-]{16,}",
    ),
    (
        "huggingface_token",
        &["hf_", "api_org_"],
        r"\b(?:hf_[A-Za-z0-9]{20,}|api_org_[A-Za-z0-9]{30,})",
    ),
    // Operations.
    (
        "vault_token",
        &["hvs.", "hvb.", "hvr.", ".atlasv1."],
        r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}|\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}",
    ),
    (
        "monitoring_key",
        &[
            "glsa_", "glc_", "eyjrijoi", "nrak-", "nrii-", "nrjs-", "nral", "hcaik_", "hcxik_",
            "hcamk_", "sntrys_", "sntryu_", "dt0c01.", "dt0s",
        ],
        r"\bglsa_[A-Za-z0-9]{32}_[0-9A-Fa-f]{8}|\bglc_[A-Za-z0-9+/=]{32,}|\beyJrIjoi[A-Za-z0-9+/=_-]{40,}|\bNR(?:AK|II|JS)-[A-Za-z0-9-]{19,32}|\b[0-9a-f]{36}NRAL\b|\bhc[ax][a-z]k_[A-Za-z0-9]{40,}|\bsntry(?:s_[A-Za-z0-9+/=_-]{40,}|u_[0-9a-f]{64})|\bdt0[cs][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}",
    ),
    (
        "work_token",
        &["lin_api_", "ntn_", "pmak-", "figd_", "tfp_", "pat-na", "pat-eu", "duffel_"],
        r"\blin_api_[A-Za-z0-9]{32,}|\bntn_[A-Za-z0-9]{40,}|\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}|\bfigd_[A-Za-z0-9_-]{36,}|\btfp_[A-Za-z0-9._=-]{40,}|\bpat-(?:na|eu)[0-9]-[0-9a-f-]{36}|\bduffel_(?:test|live)_[A-Za-z0-9_=-]{43}",
    ),
    (
        "social_token",
        &["aaaaaaaaaaaaaaaaaaaaaa", "eaa", "igqv"],
        r"\bA{22}[A-Za-z0-9%]{60,}|\bEAA[A-Z][A-Za-z0-9]{60,}|\bIGQV[A-Za-z0-9_-]{60,}",
    ),
    ("age_key", &["age-secret-key-1"], r"(?i)\bAGE-SECRET-KEY-1[A-Z0-9]{10,}"),
];
