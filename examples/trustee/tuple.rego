# Compares whole tuples for confidential-containers/trustee. Its default policy compares register by register, so that the firmware of one
# release passes with the image of another; here all of them must be of one release. Use these rules in place of its own `executables` for
# TDX, in the attestation service's policy. `touchstone_tuples` is what `touchstone policy export --format rvps` registers.
package policy

import rego.v1

# 33: executables that are not recognised (AR4SI).
default executables := 33

executables := 2 if {
	some tuple in tuples
	body := input.tdx.quote.body
	body.mr_td == tuple.mr_td
	body.rtmr_0 == tuple.rtmr[0]
	body.rtmr_1 == tuple.rtmr[1]
	body.rtmr_2 == tuple.rtmr[2]
	rtmr_3_fits(body.rtmr_3, tuple.rtmr_3)
	time.now_ns() < time.parse_rfc3339_ns(tuple.not_after)
}

# What nobody has registered is null, and to look into that is an error.
tuples := registered if is_array(registered)

registered := query_reference_value("touchstone_tuples")

rtmr_3_fits(_, wanted) if is_null(wanted)

rtmr_3_fits(found, wanted) if found == wanted
